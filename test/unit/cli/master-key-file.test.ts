import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { addMasterKey, changeKeyFile } from '#src/cli/master-key-file.ts';
import { parseMasterKeys } from '#src/core/encryption/master-keys.ts';
import { folderTest } from '#test/support/folder-fixture.ts';

const FIRST = `# the keys of the deployment\nk1 ${Buffer.alloc(32).toString('base64')}\n`;

const test = folderTest.extend('file', async ({ folder }) => {
  const file = join(folder, 'master.keys');
  await writeFile(file, FIRST, { mode: 0o600 });
  return file;
});

const idsIn = async (file: string) => [...parseMasterKeys(await readFile(file, 'utf8'), 'the file').byId.keys()];

describe('the file of the master keys', () => {
  test('gets a new first key, and keeps its earlier lines and its mode', async ({ file }) => {
    await addMasterKey(file);
    expect(await idsIn(file)).toEqual([expect.stringMatching(/^k\d{14}$/), 'k1']);
    expect((await readFile(file, 'utf8')).endsWith(FIRST)).toBe(true);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  test('gets keys of different names within one second', async ({ file }) => {
    for (let count = 0; count < 5; count++) await addMasterKey(file);
    expect(await idsIn(file)).toHaveLength(6);
  });

  test('keeps each key that a rotation added while another one was between its read and its write', async ({ file }) => {
    const other: unknown[] = [];
    await changeKeyFile(file, async (present) => {
      await addMasterKey(file).then(
        () => other.push('added'),
        (error: unknown) => other.push(error),
      );
      return `mine ${Buffer.alloc(32, 1).toString('base64')}\n${present}`;
    });
    expect(other).toMatchObject([
      { problem: { code: 'USAGE', why: `${file}.new exists: another process changes the file, or was killed while it did` } },
    ]);
    expect(await idsIn(file)).toEqual(['mine', 'k1']);
    await addMasterKey(file);
    expect(await idsIn(file)).toEqual([expect.stringMatching(/^k\d{14}$/), 'mine', 'k1']);
  });

  test('stays as it was, and can be changed again, after a change that failed', async ({ file, folder }) => {
    const failed = changeKeyFile(file, () => Promise.reject(new Error('no key')));
    await expect(failed).rejects.toThrow('no key');
    expect([await readFile(file, 'utf8'), await readdir(folder)]).toEqual([FIRST, ['master.keys']]);
  });
});
