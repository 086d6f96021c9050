import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const checkout = fileURLToPath(new URL('../../..', import.meta.url));
const BUILD = 'src/web/build/build.ts';

/**
 * Builds the web pages when they are missing or older than their sources. Otherwise the check takes a few milliseconds.
 *
 * Sequent works without the pages, so a failure is only printed. A package holds built pages, and not their sources.
 */
export function buildPages({ root = checkout, say }: { root?: string; say: (line: string) => void }): void {
  if (!existsSync(join(root, BUILD))) return;
  const builtAt = modifiedAt(join(root, 'src/web/dist/built'));
  if (builtAt >= Math.max(...['src/web', 'machines', 'package-lock.json'].map((path) => newestIn(join(root, path))))) return;
  const startedAt = performance.now();
  const { status, error } = spawnSync(process.execPath, ['--import', 'tsx', BUILD], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  const why = error?.message ?? (status === 0 ? undefined : 'the lines above say why');
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  say(why === undefined ? `built the web pages in ${seconds} s` : `the web pages could not be built: ${why}`);
}

/** The time of the newest file at or below this path, in milliseconds. Built files (`dist`) do not count. */
function newestIn(path: string): number {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return modifiedAt(path);
  const below = readdirSync(path).filter((name) => !name.startsWith('dist'));
  return Math.max(0, ...below.map((name) => newestIn(join(path, name))));
}

function modifiedAt(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
