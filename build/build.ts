import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { buildPages } from '#src/main/roles/build-pages.ts';
import { buildNatsModule } from './nats-module.ts';
import { builtSpecifier, withBuiltSpecifiers } from './specifiers.ts';

/*
 * npm run build
 *
 * Writes the package into `dist`: one module and one declaration file for each source file, in the folders of the sources, and the pages.
 * A module finds other files relative to its own, so that no path differs between the sources and `dist`. tsc cannot write the modules:
 * it rewrites the extension of a relative import, and not of `#src/…`.
 */

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
/** The oldest Node that runs the package. */
const TARGET = 'node20.19';
/** Where the NATS client is below `dist`. */
const NATS_MODULE = '#nats.js';
/** JavaScript that modules import, or that a process runs. */
const javascript = ['src/hosts/runtime', 'src/examples/functions', 'src/main/find-on-path.mjs', 'src/main/find-on-path.d.mts'];
/** Programs of a clone, and the sources of the pages. */
const excluded = /^src\/(web\/|examples\/(client|responder)\.ts)/;

/** Leaves every import in place, with the specifier that `dist` needs. Of package.json, a module holds the version. */
const modules: Plugin = {
  name: 'sequent-modules',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^/ }, ({ kind, path, importer }) => {
      if (kind === 'entry-point' || path.endsWith('/package.json')) return undefined;
      const from = relative(root, importer);
      return { path: builtSpecifier(path === 'nats' ? NATS_MODULE : path, from), external: true };
    });
    onLoad({ filter: /package\.json$/ }, ({ path }) => {
      const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
      return { contents: JSON.stringify({ version }), loader: 'json' };
    });
  },
};

async function buildModules(): Promise<void> {
  await build({
    entryPoints: sources(),
    absWorkingDir: root,
    outdir: dist,
    outbase: root,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: TARGET,
    sourcemap: true,
    // The package contains the sources, for the maps of the declarations too.
    sourcesContent: false,
    plugins: [modules],
    logLevel: 'warning',
  });
  for (const path of javascript) cpSync(join(root, path), join(dist, path), { recursive: true });
  writeFileSync(join(dist, 'package.json'), '{ "type": "module" }\n');
}

function sources(): string[] {
  return ['machines', 'src']
    .flatMap((top) => readdirSync(join(root, top), { recursive: true, encoding: 'utf8' }).map((file) => join(top, file)))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts') && !excluded.test(file));
}

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
await buildModules();
await buildNatsModule(join(dist, NATS_MODULE.slice(1)), TARGET);
buildPages({ say: (line) => process.stderr.write(`${line}\n`) });
cpSync(join(root, 'src/web/dist'), join(dist, 'src/web/dist'), { recursive: true });
