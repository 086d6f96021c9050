import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { collections } from '#test/support/bounds/collections.ts';

const checkout = fileURLToPath(new URL('../../..', import.meta.url));
/** Rooms whose lists end with a command, a page or a test. */
const shortLived = ['src/web/', 'src/cli/', 'src/testing/', 'src/examples/', 'src/core/memory/', 'src/judge/'];

/** A list that is made from literal items does not grow. The formatter decides the indentation: a field of a class has two spaces, as a variable of a function that makes something has. */
const created = /= (new (\w*Map|\w*Set|\w*Queue|\w*Cache|ValueColumn)\b(<$|(<.*>)?\((?!\[|$))|\[\];)/;
const field = /^ {2}(?:readonly )?(?:static )?(?:readonly )?(#?\w+)(?:: [^=]+?(?:=> [^=]+?)?)? = /;
const variable = /^(?:export )?(?:const|let) (\w+)(?:: [^=]+?(?:=> [^=]+?)?)? = /;
const ofMaker = /^ {2}(?:const|let) (\w+)(?:: [^=]+?(?:=> [^=]+?)?)? = /;
const maker =
  /^(?:export )?(?:async )?function (?:create|open|start|watch|connect|fire|serve|follow|join|keep|control|limit|collect|run)\w*/;

/** The names of the collections that outlive a call: fields of classes, variables of modules, and variables of functions that make something. */
function collectionsIn(text: string): string[] {
  let inner: RegExp | undefined;
  return text.split('\n').flatMap((line) => {
    inner = innerAfter(line, inner);
    const name = inner?.exec(line)?.[1] ?? variable.exec(line)?.[1];
    return name !== undefined && created.test(line) ? [name] : [];
  });
}

/** What is a collection in the lines that follow: a field in a class, and a variable in a function that makes something. */
function innerAfter(line: string, before: RegExp | undefined): RegExp | undefined {
  if (/^(?:export )?(?:abstract )?class /.test(line)) return field;
  if (maker.test(line)) return ofMaker;
  return /^(?:export )?(?:async )?function|^\}/.test(line) ? undefined : before;
}

const files = readdirSync(join(checkout, 'src'), { recursive: true, encoding: 'utf8' })
  .map((path) => `src/${path}`)
  .filter((path) => /\.m?ts$/.test(path) && !path.endsWith('.d.ts') && !shortLived.some((room) => path.startsWith(room)));
const present = new Set(
  files.flatMap((path) => collectionsIn(readFileSync(join(checkout, path), 'utf8')).map((name) => `${path} ${name}`)),
);
const listed = new Set(
  Object.values(collections).flatMap((row) =>
    Object.entries(row).flatMap(([path, names]) => names.split(' ').map((name) => `${path} ${name}`)),
  ),
);

describe('a list of a process has a bound in the table of docs/operations.md', () => {
  test('every list of the code belongs to a row', () => {
    expect([...present].filter((one) => !listed.has(one))).toEqual([]);
  });

  test('every list that a row names is in the code', () => {
    expect([...listed].filter((one) => !present.has(one))).toEqual([]);
  });

  test('every row of the lists is in the table, with a bound and what happens there', () => {
    const table = readFileSync(join(checkout, 'docs/operations.md'), 'utf8');
    const rows = new Map(
      table.split('\n').flatMap((line): [string, string[]][] => {
        const [, what = '', ...cells] = line.split('|').map((cell) => cell.trim());
        return what === '' ? [] : [[what, cells.filter((cell) => cell !== '')]];
      }),
    );
    expect(Object.keys(collections).filter((what) => rows.get(what)?.length !== 2)).toEqual([]);
  });

  test('a new list is found as a field, in a module and in a function that makes something', () => {
    const text = [
      'export class Role {',
      '  readonly #waiting = new Map<string, () => void>();',
      '  #queue: string[] = [];',
      '}',
      'const known = new Set<string>();',
      'export async function openRole(): Promise<void> {',
      '  const parked: (() => void)[] = [];',
      '}',
      'function sum(): number {',
      '  const parts: number[] = [];',
      '}',
    ];
    expect(collectionsIn(text.join('\n'))).toEqual(['#waiting', '#queue', 'known', 'parked']);
  });
});
