import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';
import { parseAst } from 'vite';
import { describe, expect, test } from 'vitest';

/*
 * A test file owns its tests: which tests exist, and what they test, depends neither on another test file nor on the process that loads it.
 * A suite for several subjects is a function in `test/contract`, which each test file calls with its subject.
 */

const checkout = fileURLToPath(new URL('../../../..', import.meta.url));
/** The modules that test files share. Sizes of long tests are read from the environment by test files alone. */
const shared = ['test/support', 'test/contract', 'test/runtimes'];

/** The modules that may read the environment while they load, with the reason. */
const readingAtLoad: Readonly<Record<string, string>> = {
  'test/support/cli/processes/shifted-clock.mjs': 'node --import loads it in a process that a test starts with this environment',
  'test/support/documents/nats-command.mjs': 'a program that an example starts, as the command nats',
  'test/support/hosts/custom-program.mjs': 'the program of a custom runtime, which finds its facts in the environment',
  'test/support/programs/cutting.mjs': 'the program of a custom runtime, which finds its API in the environment',
  'test/support/programs/server.mjs': 'the program of an HTTP function, which finds its port in the environment',
};

describe('the files below test/', () => {
  test('import no test file', () => {
    const found = filesBelow('test').flatMap((file) => importedTestFiles(file, textOf(file)).map((to) => `${file} imports ${to}`));
    expect(found).toEqual([]);
  });

  test('read the environment in functions alone when test files share them, except programs of their own', () => {
    const files = shared.flatMap(filesBelow);
    expect(files.length).toBeGreaterThan(200);
    const found = files.filter((file) => readsEnvironmentAtLoad(textOf(file)));
    expect(found.sort()).toEqual(Object.keys(readingAtLoad).sort());
  });
});

describe('this test', () => {
  // In parts, so that the texts are no imports of this file.
  const other = `other${'.test.ts'}`;

  test.for([
    [`import '#test/unit/${other}';`, `test/unit/${other}`],
    [`import { one } from './${other}';`, `test/unit/${other}`],
    [`import type {\n  One,\n} from "../e2e/${other}";`, `test/e2e/${other}`],
    [`export * from './${other}';`, `test/unit/${other}`],
    [`if (isMet) await import('#test/unit/${other}');`, `test/unit/${other}`],
    [`await import(\n  \`#test/unit/${other}\`,\n);`, `test/unit/${other}`],
  ])('finds the imported test file in `%s`', ([text = '', imported]) => {
    expect(importedTestFiles('test/unit/one.test.ts', text)).toEqual([imported]);
  });

  test.for(["import { one } from './other.ts';", `const file = 'test/unit/${other}';`, `run('from', '${other}');`])(
    'finds no imported test file in `%s`',
    (text) => {
      expect(importedTestFiles('test/unit/one.test.ts', text)).toEqual([]);
    },
  );

  test.for([
    'const id = process.env.ID;',
    "export const id: string = process.env['ID'] ?? '';",
    'let id =\n  process.env.ID;',
    'const { ID } = process.env;',
    'export const environment = {\n  one: { PATH: process.env.PATH },\n};',
    `const text = \`\${process.env.ID}\`;`,
    "if (process.env.ID === 'x') await import('./one.ts');",
    'class One {\n  static id = process.env.ID;\n}',
    'const id = (() => process.env.ID)();',
  ])('finds that a module reads the environment while it loads: `%s`', (text) => {
    expect(readsEnvironmentAtLoad(text)).toBe(true);
  });

  test.for([
    'const id = () => process.env.ID;',
    'export function idOf(): string | undefined {\n  const { ID } = process.env;\n  return ID;\n}',
    'const example = `\nconst id = process.env.ID;\n`;',
    '// const id = process.env.ID;',
    'const one = { get id() { return process.env.ID; } };',
    'class One {\n  id = process.env.ID;\n}',
    'type Environment = typeof process.env;',
  ])('finds no such reading in `%s`', (text) => {
    expect(readsEnvironmentAtLoad(text)).toBe(false);
  });
});

function textOf(file: string): string {
  return readFileSync(join(checkout, file), 'utf8');
}

function filesBelow(folder: string): string[] {
  return readdirSync(join(checkout, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|mts|mjs)$/.test(name))
    .map((name) => `${folder}/${name}`);
}

/** The test files that a text of a file imports or exports from, statically or when it runs. */
function importedTestFiles(file: string, text: string): string[] {
  return [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*(['"`])([#.][^'"`\n]*\.test\.ts)\1/g)].map(([, , specifier = '']) =>
    specifier.startsWith('#') ? specifier.slice(1) : normalize(join(dirname(file), specifier)),
  );
}

type Node = { type: string } & Record<string, unknown>;

/** Whether a statement at the top level of a module reads `process.env`, and not only a function in the statement. */
function readsEnvironmentAtLoad(text: string): boolean {
  if (!text.includes('process.env')) return false;
  return readsEnvironment(parseAst(transformSync(text, { loader: 'ts' }).code) as unknown as Node);
}

function readsEnvironment(node: Node): boolean {
  if (node.type === 'MemberExpression' && nameOf(node.object) === 'process' && nameOf(node.property) === 'env') return true;
  return partsThatRun(node).some(readsEnvironment);
}

const nameOf = (node: unknown): unknown => (node as Node).name;

/** The parts of a node that run when its module loads. */
function partsThatRun({ type, ...parts }: Node): Node[] {
  if (/Function/.test(type) || (type === 'PropertyDefinition' && parts.static === false)) return [];
  // A function that is called at once runs too.
  const called = type === 'CallExpression' && /Function/.test((parts.callee as Node).type) ? [(parts.callee as Node).body] : [];
  return [...Object.values(parts), ...called].flat().filter((part) => typeof (part as Node | null)?.type === 'string') as Node[];
}
