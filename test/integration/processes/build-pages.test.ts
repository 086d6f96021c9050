import { mkdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { buildPages } from '#src/main/roles/files/build-pages.ts';
import { folderTest as test } from '#test/support/folder-fixture.ts';

/** A checkout whose build script only writes the marker file of a build. */
let root: string;

test.beforeEach(async ({ folder }) => {
  root = folder;
  for (const path of ['src/web/build', 'machines']) await mkdir(join(root, path), { recursive: true });
  await symlink(new URL('../../../node_modules', import.meta.url).pathname, join(root, 'node_modules'));
  await writeFile(join(root, 'package.json'), '{"type":"module"}');
  await writeBuildScript(`
    import { mkdirSync, writeFileSync } from 'node:fs';
    mkdirSync('src/web/dist', { recursive: true });
    writeFileSync('src/web/dist/built', '');
  `);
});

async function writeBuildScript(script: string): Promise<void> {
  await writeFile(join(root, 'src/web/build/build.ts'), script);
}

function build(): string[] {
  const said: string[] = [];
  buildPages({ root, say: (line) => said.push(line) });
  return said;
}

describe('the web pages', () => {
  test('are built only when they are missing or older than their sources', async () => {
    const built = [expect.stringMatching(/^built the web pages in [\d.]+ s$/)];
    expect(build()).toEqual(built);
    expect(build()).toEqual([]);
    const tomorrow = Date.now() / 1_000 + 86_400;
    await writeFile(join(root, 'machines/new.ts'), '');
    await utimes(join(root, 'machines/new.ts'), tomorrow, tomorrow);
    expect(build()).toEqual(built);
  });

  test('that cannot be built are reported, and Sequent starts without them', async () => {
    await writeBuildScript('process.exit(3)');
    expect(build()).toEqual(['the web pages could not be built: the lines above say why']);
  });
});
