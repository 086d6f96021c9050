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
  watched.forEach(async (files) => void changed.push(...files));
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
});
