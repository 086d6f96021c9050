import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const MAX_LENGTH = 100;

/** The first argument of `test(…)` and `describe(…)`, also behind a modifier, and of the call that follows `test.for(…)`. */
const title =
  /(?:\b(?:test|describe)(?:\.(?!for\b|each\b)\w+)*|(?<=[\]})\w])\s*(?:as const)?\s*\))\(\s*(?:'((?:\\.|[^'\\\n])+)'|"((?:\\.|[^"\\\n])+)"|`((?:\\.|[^`\\])+)`),\s*(?:\{[^{}]*\},\s*)?(?:async\s*)?(?:function\b|\(|\w+\s*=>)/g;

function titlesIn(folder: string): string[] {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  return files.flatMap((name) => {
    const text = readFileSync(join(root, folder, name), 'utf8');
    return [...text.matchAll(title)].map(([, single, double, template]) => `${name}: ${single ?? double ?? template}`);
  });
}

test(`the title of a test has at most ${MAX_LENGTH} characters`, () => {
  const all = readdirSync(root)
    .filter((name) => !name.includes('.'))
    .flatMap(titlesIn);
  expect(all.length).toBeGreaterThan(1_000);
  expect(all.filter((one) => one.slice(one.indexOf(': ') + 2).length > MAX_LENGTH)).toEqual([]);
});
