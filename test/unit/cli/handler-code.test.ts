import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { packFile } from '#src/cli/code/pack-file.ts';
import { traceModule } from '#src/cli/code/trace-module.ts';
import { packageFrom } from '#src/cli/commands/fn/definition/package-from.ts';
import { readZip } from '#src/core/zip/read-zip.ts';
import { hasPython } from '#test/support/hosts/python.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sequent-code-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(files: Record<string, string>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

/** The problem of a module, with paths relative to the folder; `undefined` when the module can be loaded and has the export. */
async function problemOf(path: string, name = 'handler'): Promise<{ why: string; remedy: string } | undefined> {
  try {
    (await traceModule(join(folder, path))).expectExport(name);
    return undefined;
  } catch (error) {
    const { why, remedy } = (error as { problem: { why: string; remedy: string } }).problem;
    return { why: why.replaceAll(`${folder}/`, ''), remedy };
  }
}

async function packed(path: string, provided?: string) {
  const { archive, digest, entry } = await packFile(await traceModule(join(folder, path)), provided);
  const files = Object.fromEntries((await readZip(archive)).map((file) => [file.path, Buffer.from(file.content).toString()]));
  return { digest, entry, files };
}

describe('code that cannot be loaded is refused', () => {
  test('a syntax error, with file, line, column and the line itself, also in an imported file', async () => {
    write({
      'bad.mjs': 'export const handler = async () => {\n  return { a b };\n};\n',
      'typed.ts': 'export const handler = (event: { n: number }): number => event.n +;\n',
      'importer.mjs': "import './bad.mjs';\nexport const handler = 1;\n",
    });
    const why = 'bad.mjs:2:14: Expected "}" but found "b"\n  2 |   return { a b };\n    |              ^';
    expect(await problemOf('bad.mjs')).toMatchObject({ why });
    expect(await problemOf('importer.mjs')).toMatchObject({ why });
    expect((await problemOf('typed.ts'))?.why).toMatch(/^typed\.ts:1:67: Unexpected ";"\n {2}1 \| export const handler/);
  });

  test('an import of a file or a package that is not there, with its line', async () => {
    write({
      'file.mjs': "import { a } from './nowhere.mjs';\nexport const handler = a;\n",
      'package.mjs': "\nimport a from 'not-installed/deep';\nexport const handler = a;\n",
      'optional.mjs': "export const handler = () => import('not-installed').catch(() => 'without');\n",
    });
    expect((await problemOf('file.mjs'))?.why).toMatch(/^file\.mjs:1:19: Could not resolve "\.\/nowhere\.mjs"/);
    expect((await problemOf('package.mjs'))?.why).toMatch(/^package\.mjs:2:15: the package "not-installed" is not installed in /);
    expect(await problemOf('optional.mjs')).toBeUndefined();
  });

  test('a missing export, with the exports that there are', async () => {
    write({
      'other.mjs': 'export const main = 1;\nexport const second = 2;\n',
      'nothing.ts': 'type T = 1;\nexport type { T };\n',
      'common.cjs': 'exports.main = () => 1;\n',
      'later.cjs': 'const name = "handler";\nexports[name] = () => 1;\n',
      'default.mjs': 'const handler = () => 1;\nexport default { handler };\n',
      'reexported.mjs': "export * from './other.mjs';\n",
    });
    expect(await problemOf('other.mjs')).toEqual({
      why: 'other.mjs: the module has no export "handler"; it exports main, second',
      remedy: '--handler main',
    });
    expect((await problemOf('nothing.ts'))?.why).toBe('nothing.ts: the module has no export "handler"; it exports nothing by a name');
    expect((await problemOf('common.cjs'))?.why).toBe('common.cjs: the module has no export "handler"');
    expect(await Promise.all(['later.cjs', 'default.mjs'].map((file) => problemOf(file)))).toEqual([undefined, undefined]);
    expect(await problemOf('reexported.mjs', 'main')).toBeUndefined();
  });

  test.skipIf(!hasPython)('a syntax error and a missing module of Python, with the line, and a missing function', async () => {
    write({
      'syntax.py': 'import helper\ndef handler(event, context)\n  return 1\n',
      'missing.py': 'import json\nimport not_installed.deep\ndef handler(event, context): pass\n',
      'imported.py': 'import helper_with_error\ndef handler(event, context): pass\n',
      'helper_with_error.py': 'x = [\n',
      'optional.py': 'try:\n  import not_installed\nexcept ImportError:\n  pass\ndef handler(event, context): pass\n',
      'other.py': 'def main(event, context): pass\n',
    });
    expect((await problemOf('syntax.py'))?.why).toMatch(/^syntax\.py:2:28: SyntaxError: .*\n {2}2 \| def handler/);
    expect((await problemOf('missing.py'))?.why).toMatch(/^missing\.py:2:1: the module "not_installed\.deep" is neither in the package/);
    expect((await problemOf('imported.py'))?.why).toMatch(/^helper_with_error\.py:1:/);
    expect(await problemOf('optional.py')).toBeUndefined();
    expect(await problemOf('other.py')).toEqual({
      why: 'other.py: the module has no function "handler"',
      remedy: 'def handler(event, context): …',
    });
  });

  test('a file of another language, and import statements in a file of CommonJS', async () => {
    write({ 'hello.rb': 'def handler(event, context) end\n', 'mixed.cjs': "import 'node:fs';\nexport const handler = 1;\n" });
    expect((await problemOf('hello.rb'))?.why).toMatch(
      /^hello\.rb: this is Ruby; a handler file is JavaScript, TypeScript, Python or an executable/,
    );
    expect((await problemOf('hello.rb'))?.remedy).toContain('--subject');
    expect(await problemOf('mixed.cjs')).toEqual({
      why: 'mixed.cjs: .cjs names a CommonJS module, and the file has import or export statements',
      remedy: 'the extension .mjs',
    });
  });
});

describe('the package of a handler file', () => {
  test.skipIf(!hasPython)('of Python holds the local modules and packages that it imports, and nothing else of the folder', async () => {
    write({
      'package.json': '{"type":"module"}',
      'orders.py': 'import stock\nfrom billing.tax import rate\ndef handler(event, context): return rate\n',
      'stock.py': 'from billing import *\n',
      'billing/__init__.py': '',
      'billing/tax.py': 'from . import rates\nrate = rates.NORMAL\n',
      'billing/rates.py': 'NORMAL = 19\n',
      'unused.py': '',
    });
    const { entry, files } = await packed('orders.py');
    expect(entry).toBe('orders.py');
    expect(Object.keys(files).sort()).toEqual(['billing/__init__.py', 'billing/rates.py', 'billing/tax.py', 'orders.py', 'stock.py']);
  });

  test('holds the file, the local files that it imports or names by a URL, and nothing else of the folder', async () => {
    write({
      'package.json': '{"type":"module","version":"1.2.3"}',
      'src/index.ts': "import { greet } from './lib.ts';\nexport const handler = () => greet(new URL('./text.txt', import.meta.url));\n",
      'src/lib.ts': "import data from '../data.json' with { type: 'json' };\nexport const greet = (url: URL) => [data, url];\n",
      'src/text.txt': 'hello',
      'src/unused.ts': 'export {};',
      'data.json': '{}',
    });
    const { entry, files, digest } = await packed('src/index.ts');
    expect(entry).toBe('src/index.ts');
    expect(Object.keys(files).sort()).toEqual(['data.json', 'package.json', 'src/index.ts', 'src/lib.ts', 'src/text.txt']);
    expect(files['package.json']).toBe('{"type":"module"}');
    write({ 'src/unused.ts': 'export const changed = 1;', 'package.json': '{"type":"module","version":"1.2.4"}' });
    expect((await packed('src/index.ts')).digest).toBe(digest);
    write({ 'data.json': '{"changed":1}' });
    expect((await packed('src/index.ts')).digest).not.toBe(digest);
  });

  test('holds which files of an npm package are executable, which start programs of their own', async () => {
    write({ 'index.cjs': 'require("a"); exports.handler = 1;', 'node_modules/a/index.js': '', 'node_modules/a/bin/tool': '' });
    chmodSync(join(folder, 'node_modules/a/bin/tool'), 0o755);
    const { archive } = await packFile(await traceModule(join(folder, 'index.cjs')));
    const executable = (await readZip(archive)).filter(({ isExecutable }) => isExecutable).map(({ path }) => path);
    expect(executable).toEqual(['node_modules/a/bin/tool']);
  });

  test('holds the npm packages that it imports, so that each finds the version that it finds on this machine', async () => {
    write({
      'fn.mjs': "import a from 'a';\nimport b from '@s/b';\nexport const handler = () => [a, b];\n",
      'node_modules/a/package.json': '{"version":"1","dependencies":{"c":"1"},"peerDependencies":{"absent":"1"}}',
      'node_modules/a/index.js': 'module.exports = require("c");',
      'node_modules/c/index.js': 'module.exports = "c1";',
      'node_modules/unused/index.js': '',
      'linked/package.json': '{"version":"1","dependencies":{"c":"2"}}',
      'linked/index.js': 'module.exports = require("c");',
      'linked/node_modules/c/index.js': 'module.exports = "c2";',
    });
    mkdirSync(join(folder, 'node_modules/@s'));
    symlinkSync(join(folder, 'linked'), join(folder, 'node_modules/@s/b'));
    const { files } = await packed('fn.mjs');
    const modules = Object.keys(files).filter((path) => path.endsWith('index.js'));
    expect(modules.sort()).toEqual([
      'node_modules/@s/b/index.js',
      'node_modules/@s/b/node_modules/c/index.js',
      'node_modules/a/index.js',
      'node_modules/c/index.js',
    ]);
    expect(files['node_modules/@s/b/node_modules/c/index.js']).toContain('c2');
    expect(Object.keys((await packed('fn.mjs', join(folder, 'node_modules'))).files)).toEqual(['fn.mjs']);
  });
});

describe('a CommonJS file below a package.json of ES modules', () => {
  const commonJs = 'exports.handler = async () => 1;\n';

  test('is refused with the package.json as the reason, because Node loads it as an ES module', async () => {
    write({ 'package.json': '{"type":"module"}', 'orders/index.js': commonJs });
    expect(await problemOf('orders/index.js')).toEqual({
      why: expect.stringMatching(
        /^orders\/index\.js: the file sets exports as a CommonJS module does, and package\.json says "type": "module"/,
      ),
      remedy: 'the extension .cjs, or export const handler = …',
    });
  });

  test('can be packed with its folder, which a worker has without the folder above', async () => {
    write({ 'package.json': '{"type":"module"}', 'orders/index.js': commonJs });
    expect((await packageFrom({ folder: join(folder, 'orders'), handler: 'index.handler' })).entry).toBe('index.js');
    write({ 'orders/package.json': '{"type":"module"}' });
    await expect(packageFrom({ folder: join(folder, 'orders'), handler: 'index.handler' })).rejects.toMatchObject({
      problem: { why: expect.stringContaining('says "type": "module"') },
    });
  });
});
