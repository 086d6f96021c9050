import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as base } from 'vitest';
import { removeDataFolder } from './data-folders.ts';

/** Closes what a fixture opened. */
export type Scope = { onCleanup: (close: () => Promise<void>) => void };

/** Each test has an empty `folder`. */
export const folderTest = base.extend('folder', ({ task: _ }, scope) => openFolder(scope));

/** An empty folder that is removed at the end of the scope. */
export async function openFolder({ onCleanup }: Scope): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-test-'));
  onCleanup(() => removeDataFolder(folder));
  return folder;
}

/** Resolves to the opened resource, and closes it at the end of the scope. */
export async function closeLater<Opened extends AsyncDisposable>(opening: Promise<Opened>, { onCleanup }: Scope): Promise<Opened> {
  const opened = await opening;
  onCleanup(async () => await opened[Symbol.asyncDispose]());
  return opened;
}
