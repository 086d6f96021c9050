import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { modifiedAt, newestIn } from './newest-file.mjs';

const checkout = fileURLToPath(new URL('../../../..', import.meta.url));
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
