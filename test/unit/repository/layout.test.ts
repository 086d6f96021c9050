import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { documentWithMap, mapped } from '../../../build/folder-map.ts';
import { layers } from '../../../build/rooms.ts';

/** The folders with more than 15 files of code, each with its reason. */
const largeFolders: Readonly<Record<string, string>> = {
  bench: 'one file for each benchmark, which npm starts by its name',
  machines: 'the whole method, which is read from one folder',
};

const checkout = new URL('../../..', import.meta.url).pathname;
const layerOf = new Map(layers.flatMap((rooms, layer) => rooms.map(({ folder }) => [folder, layer] as const)));

type Import = { from: string; to: string };

describe('the layout of the code', () => {
  test('every import stays in its part or names a lower layer, types included', () => {
    expect(importsOf(sources()).filter(goesUp).map(describeImport)).toEqual([]);
  });

  test('every file of the code is in a part of one layer', () => {
    expect(sources().filter((file) => partOf(file) === undefined)).toEqual([]);
  });

  test.each(mapped)('the map of %s is the table of build/rooms.ts', (document) => {
    const { present, wanted } = documentWithMap(document);
    expect(present, 'npm run folder-map').toBe(wanted);
  });

  test('build/rooms.ts names every folder of each part of the code, and no other', () => {
    const rooms = layers.flat();
    const named = rooms.flatMap(({ folder, folders = {} }) => Object.keys(folders).map((name) => `${folder}/${name}`));
    const present = rooms.flatMap(({ folder }) => foldersIn(folder)).filter((folder) => !layerOf.has(folder));
    expect(present.filter((folder) => !named.includes(folder))).toEqual([]);
    expect(named.filter((folder) => !present.includes(folder))).toEqual([]);
  });

  test('no folder holds more than 15 files without a reason', () => {
    const counts = new Map<string, number>();
    for (const file of [...sources(), ...filesBelow('test'), ...filesBelow('bench')])
      counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
    const large = [...counts].filter(([, count]) => count > 15).map(([folder]) => folder);
    expect(large.filter((folder) => !(folder in largeFolders))).toEqual([]);
  });

  test('sequent mcp alone loads the SDK of agents, when it runs; the site needs no run-time dependency', () => {
    const importing = sources().filter((file) => readFileSync(join(checkout, file), 'utf8').includes("'@modelcontextprotocol/"));
    expect(importing).toEqual(['src/cli/commands/mcp/mcp.ts']);
    expect(readFileSync(join(checkout, 'src/cli/commands/mcp/mcp.ts'), 'utf8')).not.toMatch(/from '@modelcontextprotocol/);
    const { dependencies } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'));
    expect(Object.keys(dependencies).filter((name) => /vitepress|vue|mermaid|modelcontext|asyncapi|redocly|playwright/.test(name))).toEqual(
      [],
    );
  });

  test('every import of a source names the source, and not what a build makes of it', () => {
    const built = sources().filter((file) => /'[#.][^']*(?<!\.min)\.js'/.test(readFileSync(join(checkout, file), 'utf8')));
    // The entry of the command decides between the sources and the build.
    expect(built).toEqual(['src/main/run-cli.mjs']);
  });

  test('an import from a higher layer, or from another part of the same layer, is found', () => {
    const upward = { from: 'src/core/errors.ts', to: 'src/worker/worker.ts' };
    const sideways = { from: 'src/worker/worker.ts', to: 'src/scheduler/scheduler.ts' };
    const downward = { from: 'src/worker/worker.ts', to: 'src/core/errors.ts' };
    expect([upward, sideways, downward].filter(goesUp)).toEqual([upward, sideways]);
  });
});

function goesUp({ from, to }: Import): boolean {
  const [source, target] = [partOf(from), partOf(to)];
  return source !== target && levelOf(target) >= levelOf(source);
}

function levelOf(part: string | undefined): number {
  return (part === undefined ? undefined : layerOf.get(part)) ?? 0;
}

/** The part whose folder is nearest above the file; `undefined` when no part holds it. */
function partOf(file: string): string | undefined {
  for (let folder = dirname(file); folder !== '.'; folder = dirname(folder)) if (layerOf.has(folder)) return folder;
  return undefined;
}

/** The folders in a part of the code that hold a file, without what a build writes. */
function foldersIn(folder: string): string[] {
  const inner = readdirSync(join(checkout, folder), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return inner
    .map(({ name }) => `${folder}/${name}`)
    .filter((path) => !/\/dist/.test(path) && readdirSync(join(checkout, path), { recursive: true }).length > 0);
}

function describeImport({ from, to }: Import): string {
  return `${from} imports ${to}`;
}

function sources(): string[] {
  return ['machines', 'src'].flatMap((top) =>
    readdirSync(join(checkout, top), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(ts|tsx|mts|mjs)$/.test(file) && !/(^|\/)dist/.test(file))
      .map((file) => `${top}/${file}`),
  );
}

function filesBelow(top: string): string[] {
  return readdirSync(join(checkout, top), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|mjs|mts)$/.test(file))
    .map((file) => `${top}/${file}`);
}

function importsOf(files: readonly string[]): Import[] {
  const known = new Set(files);
  return files.flatMap((from) =>
    [...readFileSync(join(checkout, from), 'utf8').matchAll(/\b(?:from|import)\s*\(?\s*'([#.][^']+)'/g)]
      .map(([, specifier = '']) => (specifier.startsWith('#') ? specifier.slice(1) : normalize(join(dirname(from), specifier))))
      .filter((to) => known.has(to))
      .map((to) => ({ from, to })),
  );
}
