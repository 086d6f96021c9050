import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { silentLogger } from '#src/core/ports/logger.ts';
import { watchFiles } from '#src/main/roles/files/watched-files.ts';

const folder = await mkdtemp(join(tmpdir(), 'sequent-watched-'));
afterAll(() => rm(folder, { recursive: true }));

/** Watches a file that must contain JSON; `used` has every content that was put into use. */
async function watchJson(file: string, everyInMs = 20) {
  const used: unknown[] = [];
  const files = watchFiles(silentLogger, { everyInMs });
  const reload = async (): Promise<void> => void used.push(JSON.parse(await readFile(file, 'utf8')));
  files.watch({ name: 'the numbers', files: [file], reload });
  await reload();
  return { files, used };
}

describe('watched files', () => {
  test('are used again after a write, a rename, and a replaced link of a mounted secret', async () => {
    const mount = join(folder, 'mount');
    const mounted = async (name: string, content: string): Promise<void> => {
      await mkdir(join(mount, name), { recursive: true });
      await writeFile(join(mount, name, 'file'), content);
      await symlink(name, join(mount, '..data_tmp'));
      await rename(join(mount, '..data_tmp'), join(mount, '..data'));
    };
    await mounted('..2026_1', '1');
    await symlink('..data/file', join(mount, 'file'));
    const { files, used } = await watchJson(join(mount, 'file'));
    await mounted('..2026_2', '2');
    await expect.poll(() => used).toEqual([1, 2]);
    await writeFile(join(mount, 'new'), '3');
    await rename(join(mount, 'new'), join(mount, 'file'));
    await expect.poll(() => used).toEqual([1, 2, 3]);
    await writeFile(join(mount, 'file'), '4');
    await expect.poll(() => used).toEqual([1, 2, 3, 4]);
    files.close();
  });

  test('that cannot be used change nothing and are named as a problem, until they can be used', async () => {
    const file = join(folder, 'broken');
    await writeFile(file, '1');
    const { files, used } = await watchJson(file);
    await writeFile(file, '{');
    await expect
      .poll(() => files.problems)
      .toEqual([expect.stringMatching(/^the numbers changed, but the content before is still in use: /)]);
    await rm(file);
    await expect.poll(() => files.problems).toEqual([expect.stringContaining('ENOENT')]);
    await writeFile(file, '2');
    await expect.poll(() => files.problems).toEqual([]);
    expect(used).toEqual([1, 2]);
    files.close();
  });

  test('are read at once on request', async () => {
    const file = join(folder, 'requested');
    await writeFile(file, '1');
    const { files, used } = await watchJson(file, 3_600_000);
    await writeFile(file, '2');
    await files.reload();
    expect(used).toEqual([1, 2]);
    files.close();
  });
});
