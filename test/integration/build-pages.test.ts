import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { buildPages } from '#src/main/roles/build-pages.ts';

/** A checkout whose pages are built by a script that only leaves its mark. */
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sequent-pages-'));
  for (const folder of ['src/web/build', 'machines']) await mkdir(join(root, folder), { recursive: true });
  await symlink(new URL('../../node_modules', import.meta.url).pathname, join(root, 'node_modules'));
  await writeFile(join(root, 'package.json'), '{"type":"module"}');
  await buildingBy(`
    import { mkdirSync, writeFileSync } from 'node:fs';
    mkdirSync('src/web/dist', { recursive: true });
    writeFileSync('src/web/dist/built', '');
  `);
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

async function buildingBy(script: string): Promise<void> {
  await writeFile(join(root, 'src/web/build/build.ts'), script);
}

function build(): string[] {
  const said: string[] = [];
  buildPages({ root, say: (line) => said.push(line) });
  return said;
}

describe('the web pages', () => {
  test('are built when there are none or when what they are made from is newer, and only then', async () => {
    const built = [expect.stringMatching(/^built the web pages in [\d.]+ s$/)];
    expect(build()).toEqual(built);
    expect(build()).toEqual([]);
    const tomorrow = Date.now() / 1_000 + 86_400;
    await writeFile(join(root, 'machines/new.ts'), '');
    await utimes(join(root, 'machines/new.ts'), tomorrow, tomorrow);
    expect(build()).toEqual(built);
  });

  test('that cannot be built are told, and stop nobody', async () => {
    await buildingBy('process.exit(3)');
    expect(build()).toEqual(['the web pages could not be built: the lines above say why']);
  });
});
