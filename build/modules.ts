import { cpSync, readdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { buildBundledPackages, bundledPackages } from './bundled-packages.ts';
import { groupModules } from './module-groups.ts';
import { packageVersion } from './package-version.ts';
import { builtSpecifier } from './specifiers.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
/** The oldest Node that runs the package. */
const TARGET = 'node20.19';
/** JavaScript that modules import, or that a process runs. */
const javascript = [
  'src/hosts/runtime',
  'src/examples/functions',
  'src/gateway/api/code/check-code-process.mjs',
  ...[
    'src/core/processes/lower-priority',
    'src/main/find-on-path',
    'src/main/roles/files/newest-file',
    'src/main/roles/processes/restart-pauses',
  ].flatMap((module) => [`${module}.mjs`, `${module}.d.mts`]),
];
/** Programs of a clone, and the sources of the pages. */
const excluded = /^src\/(web\/|examples\/(client|responder)\.ts)/;

/** Leaves every import in place, with the specifier that `dist` needs. JSON becomes a part of the module that imports it. */
const modules: Plugin = {
  name: 'sequent-modules',
  setup({ onResolve }) {
    onResolve({ filter: /^/ }, ({ kind, path, importer }) => {
      if (kind === 'entry-point' || path.endsWith('.json')) return undefined;
      const from = relative(root, importer);
      return { path: builtSpecifier(bundledPackages.get(path) ?? path, from), external: true };
    });
  },
};

/**
 * Writes one module for each source file into a folder, in the folders of the sources, the bundled packages, and the groups of modules.
 *
 * Node runs the modules without a loader when the folder is inside of the checkout, where the dependencies are.
 */
export async function buildModules(dist: string): Promise<void> {
  const { metafile } = await build({
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
    plugins: [modules, packageVersion],
    metafile: true,
    logLevel: 'warning',
  });
  for (const path of javascript) cpSync(join(root, path), join(dist, path), { recursive: true });
  writeFileSync(join(dist, 'package.json'), '{ "type": "module" }\n');
  await buildBundledPackages(dist, TARGET);
  await groupModules({ root, dist, target: TARGET }, metafile);
}

function sources(): string[] {
  return ['machines', 'src']
    .flatMap((top) => readdirSync(join(root, top), { recursive: true, encoding: 'utf8' }).map((file) => join(top, file)))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts') && !excluded.test(file))
    .sort();
}
