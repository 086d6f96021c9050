import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildPages } from '#src/main/roles/files/build-pages.ts';
import { buildModules } from './modules.ts';
import { withBuiltSpecifiers } from './specifiers.ts';

/*
 * npm run build
 *
 * Writes the package into `dist`: one module and one declaration file for each source file, in the folders of the sources, and the pages.
 * A module finds other files relative to its own, so that no path differs between the sources and `dist`. tsc cannot write the modules:
 * it rewrites the extension of a relative import, and not of `#src/…`.
 */

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');

function buildDeclarations(): void {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const { status } = spawnSync(process.execPath, [tsc, '-p', join(root, 'build')], { stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error('tsc could not write the declarations; the lines above say why');
  for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.d.ts')) continue;
    const path = join(dist, file);
    writeFileSync(path, withBuiltSpecifiers(readFileSync(path, 'utf8'), file));
  }
}

rmSync(dist, { recursive: true, force: true });
buildDeclarations();
await buildModules(dist);
buildPages({ say: (line) => process.stderr.write(`${line}\n`) });
cpSync(join(root, 'src/web/dist'), join(dist, 'src/web/dist'), { recursive: true });
// Written last: a clone runs the build only when this file is newer than the sources.
writeFileSync(join(dist, 'built'), new Date().toISOString());
