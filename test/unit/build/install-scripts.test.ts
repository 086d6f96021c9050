import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/**
 * The packages with an install script. None of them needs it: esbuild's only shortens the start of its command, and protobufjs's (of the
 * tool that checks the specification) only prints a warning about versions.
 */
const KNOWN = ['node_modules/esbuild', 'node_modules/protobufjs', 'node_modules/vitepress/node_modules/esbuild'];
const textOf = (file: string): string => readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');

test('no package has an install script besides those that work without it', () => {
  const { packages } = JSON.parse(textOf('package-lock.json')) as { packages: Record<string, { hasInstallScript?: true }> };
  expect(Object.keys(packages).filter((path) => packages[path]?.hasInstallScript)).toEqual(KNOWN);
});

test.for(['Dockerfile', 'src/main/install.mjs', 'CONTRIBUTING.md'])('%s installs packages without their install scripts', (file) => {
  const installs = textOf(file)
    .split('\n')
    .filter((line) => /^(?:RUN )?npm ci|spawnSync\(npm/.test(line.trim().replace(/^.*= /, '')));
  expect(installs.length).toBeGreaterThan(0);
  for (const line of installs) expect(line).toContain('--ignore-scripts');
});
