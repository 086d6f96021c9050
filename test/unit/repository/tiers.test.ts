import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { tiers } from '#test/support/vitest/tiers.ts';

const checkout = new URL('../../..', import.meta.url).pathname;
const testFiles = readdirSync(`${checkout}/test`, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => `test/${name}`);

/** `**` stands for any folders, also none, and `*` for a part of a name. */
function matches(file: string, glob: string): boolean {
  const pattern = glob
    .replaceAll('.', '\\.')
    .split('**/')
    .map((part) => part.replaceAll('*', '[^/]*'))
    .join('(?:.*/)?');
  return new RegExp(`^${pattern}$`).test(file);
}

const isIn = (file: string, globs: readonly string[] = []): boolean => globs.some((glob) => matches(file, glob));

test('every test is of one kind, so that no test is left out, and none runs twice', () => {
  const kindsOf = (file: string) => tiers.filter(({ include, exclude }) => isIn(file, include) && !isIn(file, exclude));
  expect(testFiles.length).toBeGreaterThan(400);
  expect(testFiles.filter((file) => kindsOf(file).length !== 1)).toEqual([]);
});

test('CI runs every kind of tests', () => {
  const named = [...readFileSync(`${checkout}/.ci/run`, 'utf8').matchAll(/--project=\{([\w,-]+)\}/g)].flatMap(([, names = '']) =>
    names.split(','),
  );
  expect(named.toSorted()).toEqual(tiers.map(({ name }) => name).toSorted());
});

test('every test that opens a browser stands below a folder "pages", by which it is skipped without one', () => {
  const opening = testFiles.filter((file) => /pagesTest|openBrowser/.test(readFileSync(`${checkout}/${file}`, 'utf8')));
  expect(opening.length).toBeGreaterThan(20);
  expect(opening.filter((file) => !file.includes('/pages/') && file !== 'test/unit/repository/tiers.test.ts')).toEqual([]);
});
