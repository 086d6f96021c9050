import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { describe, expect, test } from 'vitest';

/*
 * The ids of rules. `src/DESIGN.md` defines each once, in the tables of its section "Rules"; `docs/performance.md` defines those of its
 * reasons, in its lists. This test reads the code, the tests and the documents for citations.
 */

const root = new URL('../../../', import.meta.url);
const RULES = 'src/DESIGN.md';
const REASONS = 'docs/performance.md';
const ID = /\b[A-Z]{1,4}\d{1,2}\b/g;
/** Standard names that have the form of an id. */
const foreign = new Set(['V8', 'S3', 'P50', 'P90', 'P99', 'FTS5', 'NAT64', 'AWS4', 'AK1', 'RE2']);

const texts: ReadonlyMap<string, string> = new Map(
  ['src', 'machines', 'test', 'bench', 'docs', '.']
    .flatMap((folder) =>
      readdirSync(new URL(`${folder}/`, root), { recursive: folder !== '.', encoding: 'utf8' }).map((file) => `${folder}/${file}`),
    )
    .filter(
      (path) => /\.(ts|tsx|mts|mjs|md)$/.test(path) && !path.includes('node_modules/') && path !== 'test/unit/repository/rules.test.ts',
    )
    .map((path) => [path.replace('../', ''), readFileSync(new URL(path, root), 'utf8')]),
);

/** A rule is defined by the first cell of a row in a table of the section "Rules". */
function definitionsIn(design: string): string[] {
  const section = /^## Rules$([\s\S]*?)(?:^## |(?![\s\S]))/m.exec(design)?.[1] ?? '';
  return [...section.matchAll(/^\| ([A-Z]{1,4}\d{1,2}) +\|/gm)].map(([, id = '']) => id);
}

/** A performance reason is defined by an item of a list: `- **V1. The young generation …`. */
function reasonsIn(document: string): string[] {
  return [...document.matchAll(/^- \*\*([A-Z]{1,4}\d{1,2})\. /gm)].map(([, id = '']) => id);
}

/** The ids that a file cites. A document cites anywhere; code cites in a comment, in parentheses, or as a whole string. */
function citationsIn(path: string, text: string): string[] {
  const isCode = extname(path) !== '.md';
  const parts = isCode ? [...text.matchAll(/\/\*[\s\S]*?\*\/|(?<![:'"`])\/\/.*/g)].map(([comment]) => comment) : [text];
  if (isCode) {
    for (const [list] of text.matchAll(/\([A-Z]{1,4}\d{1,2}(?:(?:, | and | to )[A-Z]{1,4}\d{1,2})*\)/g)) parts.push(list);
    if (!path.startsWith('test/')) for (const [quoted] of text.matchAll(/'[A-Z]{1,4}\d{1,2}'/g)) parts.push(quoted);
  }
  return parts.flatMap((part) => part.match(ID) ?? []).filter((id) => !foreign.has(id));
}

/** The ids that a comment defines: a line of it begins with one id, and the id is not followed by `and`, `or`, `to` or `(`. */
function definedInComments(path: string, text: string): string[] {
  if (extname(path) === '.md') return [];
  return [...text.matchAll(/^\s*(?:\*|\/\/|\/\*\*?)\s+(?:- )?([A-Z]{1,4}\d{1,2})[:.]? +(?!(?:and|or|to) |\()\S/gm)].map(
    ([, id = '']) => id,
  );
}

const rules = definitionsIn(texts.get(RULES) ?? '');
const defined = [...rules, ...reasonsIn(texts.get(REASONS) ?? '')];

describe('the ids of rules', () => {
  test('are defined once, in one place', () => {
    expect(rules.length).toBeGreaterThan(30);
    expect(defined.length).toBeGreaterThan(rules.length);
    expect(defined.filter((id, index) => defined.indexOf(id) !== index)).toEqual([]);
    const elsewhere = [...texts].flatMap(([path, text]) => definedInComments(path, text).map((id) => `${path} defines ${id}`));
    expect(elsewhere.filter((found) => !isForeign(found))).toEqual([]);
  });

  test('are defined when they are cited', () => {
    const known = new Set(defined);
    const unknown = [...texts].flatMap(([path, text]) =>
      citationsIn(path, text).flatMap((id) => (known.has(id) ? [] : [`${path} cites ${id}`])),
    );
    expect([...new Set(unknown)]).toEqual([]);
  });

  test('are cited outside of their definitions, each rule', () => {
    const cited = new Set([...texts].flatMap(([path, text]) => (path === RULES ? [] : citationsIn(path, text))));
    expect(rules.filter((id) => !cited.has(id))).toEqual([]);
  });
});

describe('this test', () => {
  test.for([
    ['a.ts', '/** Keeps Q7. */', ['Q7']],
    ['a.ts', 'run(); // see Q7', ['Q7']],
    ['a.ts', "test('is refused (Q7, Q8)', () => {});", ['Q7', 'Q8']],
    ['src/a.ts', "const rule = 'Q7';", ['Q7']],
    ['test/a.ts', "const name = 'Q7';", []],
    ['a.ts', "const url = 'http://x/Q7'; // V8", []],
    ['a.tsx', '<path d="M8 2" />', []],
    ['a.md', 'By Q7 it is so.', ['Q7']],
  ] as const)('finds in %s `%s` the ids %j', ([path, text, ids]) => {
    expect(citationsIn(path, text)).toEqual(ids);
  });

  test('finds a definition in a table of the section, and one in a comment', () => {
    expect(definitionsIn('## Rules\n\n| Q7 | x |\n\n### More\n\n| Q7  | y |\n\n## Log\n\n| Q8 | z |\n')).toEqual(['Q7', 'Q7']);
    expect(reasonsIn('- **Q7. It is fast.** Since …\n- Q8 is not.\n')).toEqual(['Q7']);
    expect(
      definedInComments('a.ts', '/*\n * Q7. The only way.\n * - Q8: another\n * Keeps Q9.\n * Q1 and Q2 hold\n * Q3 (there) holds\n */'),
    ).toEqual(['Q7', 'Q8']);
  });
});

function isForeign(found: string): boolean {
  return foreign.has(found.split(' ').at(-1) ?? '');
}
