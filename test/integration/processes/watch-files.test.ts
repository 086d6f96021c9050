import fs, { type PathLike } from 'node:fs';
import { mkdir, mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FileWatch } from '#src/cli/commands/dev/watch-files.ts';

const systemWatch = fs.watch;
let folder: string;
let watched: FileWatch;
let changed: string[] = [];
/** What `emptied.ts` held each time when it was reported. */
const contents: string[] = [];
/** Called once, with the next report of it. */
let onReport = (): void => {};

/** The test saves this file, and makes this folder, between the moment a new folder was listed and the moment it is watched. */
const saveBeforeWatch = (path: PathLike): void => {
  if (basename(String(path)) !== 'orders') return;
  fs.writeFileSync(join(String(path), 'index.ts'), '1');
  fs.mkdirSync(join(String(path), 'lines'));
};

beforeAll(async () => {
  fs.watch = ((path: PathLike, ...rest: never[]) => {
    saveBeforeWatch(path);
    return systemWatch(path, ...rest);
  }) as typeof fs.watch;
  syncBuiltinESMExports();
  const { watchFiles } = await import('#src/cli/commands/dev/watch-files.ts');
  folder = await mkdtemp(join(tmpdir(), 'sequent-watch-'));
  watched = await watchFiles(folder, join(folder, '.sequent'));
  watched.forEach(async (files) => {
    changed.push(...files);
    const file = join(folder, 'emptied.ts');
    if (!files.has(file)) return;
    contents.push(fs.readFileSync(file, 'utf8'));
    onReport();
    onReport = () => {};
  });
});
afterAll(async () => {
  fs.watch = systemWatch;
  syncBuiltinESMExports();
  await watched?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Does something, and waits until the watch reports a file. */
async function reports(file: string, action: () => Promise<unknown>): Promise<void> {
  changed = [];
  await action();
  await expect.poll(() => changed, { timeout: 20_000 }).toContain(join(folder, file));
}

describe('the watch of a folder', () => {
  test('notices a file and a folder that were made while it began to watch their new folder', async () => {
    await reports('orders/index.ts', () => mkdir(join(folder, 'orders')));
    await reports('orders/index.ts', () => writeFile(join(folder, 'orders/index.ts'), '2'));
    await reports('orders/index.ts', () => unlink(join(folder, 'orders/index.ts')));
    await reports('orders/lines/one.ts', () => writeFile(join(folder, 'orders/lines/one.ts'), '1'));
  });

  test('reports a change that follows a reported one at once, as of an editor that empties a file first', async () => {
    const file = join(folder, 'emptied.ts');
    await reports('emptied.ts', () => writeFile(file, '1'));
    onReport = () => fs.writeFileSync(file, '3');
    await reports('emptied.ts', () => writeFile(file, '2'));
    await expect.poll(() => contents, { timeout: 20_000 }).toContain('3');
  });
});
