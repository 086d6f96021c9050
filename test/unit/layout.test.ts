import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';

/**
 * The rooms of the code, by floor. A file imports from its own room and from the floors below, types included.
 * `src/main` has three rooms, since the command line starts roles and the entry points start the command line.
 */
const floors: readonly (readonly string[])[] = [
  ['machines'],
  ['src/core'],
  [
    'src/analysis',
    'src/archive',
    'src/destinations',
    'src/functions',
    'src/hosts',
    'src/nats',
    'src/projection',
    'src/scheduler',
    'src/tracing',
    'src/worker',
  ],
  ['src/main/nats-server'],
  ['src/client', 'src/main/config'],
  ['src/examples', 'src/gateway', 'src/testing'],
  ['src/main/roles', 'src/web'],
  ['src/cli'],
  ['src/main'],
];

const checkout = new URL('../..', import.meta.url).pathname;
const floorOf = new Map(floors.flatMap((rooms, floor) => rooms.map((room) => [room, floor] as const)));

type Import = { from: string; to: string };

describe('the layout of the code', () => {
  test('every import stays in its room or goes down a floor, types included', () => {
    expect(importsOf(sources()).filter(goesUp).map(inWords)).toEqual([]);
  });

  test('every file of the code is in a room of one floor', () => {
    expect(sources().filter((file) => roomOf(file) === undefined)).toEqual([]);
  });

  test('an import from a higher floor, or from another room of the same one, is found', () => {
    const upward = { from: 'src/core/errors.ts', to: 'src/worker/worker.ts' };
    const sideways = { from: 'src/worker/worker.ts', to: 'src/scheduler/scheduler.ts' };
    const downward = { from: 'src/worker/worker.ts', to: 'src/core/errors.ts' };
    expect([upward, sideways, downward].filter(goesUp)).toEqual([upward, sideways]);
  });
});

function goesUp({ from, to }: Import): boolean {
  const [source, target] = [roomOf(from), roomOf(to)];
  return source !== target && levelOf(target) >= levelOf(source);
}

function levelOf(room: string | undefined): number {
  return (room === undefined ? undefined : floorOf.get(room)) ?? 0;
}

/** The most specific room that holds the file; `undefined` when there is none. */
function roomOf(file: string): string | undefined {
  for (let folder = dirname(file); folder !== '.'; folder = dirname(folder)) if (floorOf.has(folder)) return folder;
  return undefined;
}

function inWords({ from, to }: Import): string {
  return `${from} imports ${to}`;
}

function sources(): string[] {
  return ['machines', 'src'].flatMap((top) =>
    readdirSync(join(checkout, top), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(ts|tsx|mts|mjs)$/.test(file) && !/(^|\/)dist/.test(file))
      .map((file) => `${top}/${file}`),
  );
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
