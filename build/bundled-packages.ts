import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

/** A `require` of a module of Node becomes an `import`: an ES module that a bundler writes has no `require`. */
const nodeImports: Plugin = {
  name: 'sequent-node-imports',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^/ }, ({ kind, path }) => {
      if (!isBuiltin(path)) return undefined;
      return kind === 'require-call' ? { path, namespace: 'node-import' } : { path, external: true };
    });
    onLoad({ filter: /^/, namespace: 'node-import' }, ({ path }) => ({ contents: `export * from ${JSON.stringify(path)};` }));
  },
};

/** zod exports its messages in all languages, in a module each. Nothing reads them but the English ones, which zod imports by themselves. */
const noLocales: Plugin = {
  name: 'sequent-no-locales',
  setup({ onLoad }) {
    onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({ contents: "export { default as en } from './en.js';" }));
  },
};

/** The packages that `dist` holds as one ES module each, and the specifiers of these modules. */
export const bundledPackages: ReadonlyMap<string, string> = new Map([
  // The `nats` package is CommonJS: an application's ES module bundle of it would fail ("Dynamic require of crypto is not supported").
  ['nats', '#nats.js'],
  // The 95 modules of zod delay the start of each command by a tenth.
  ['zod', '#zod.js'],
  // Eight modules of CommonJS, which Node scans for their exports at each start.
  ['commander', '#commander.js'],
  // 44 modules. Its copies share their state, which is a property of the global object.
  ['@opentelemetry/api', '#opentelemetry-api.js'],
  // Eight files of CommonJS. Node also reads the ES modules beside these files, to find the names of the exports.
  ['xstate', '#xstate.js'],
]);

const root = fileURLToPath(new URL('..', import.meta.url));

/** Writes each bundled package as one ES module, and the licences of all code in these modules. */
export async function buildBundledPackages(dist: string, target: string): Promise<void> {
  const folders = new Set<string>();
  for (const [name, specifier] of bundledPackages) {
    const exported = Object.keys(createRequire(import.meta.url)(name)).filter((each) => each !== 'default');
    const { metafile } = await build({
      absWorkingDir: root,
      metafile: true,
      stdin: { contents: `export { ${exported.join(', ')} } from '${name}';`, resolveDir: import.meta.dirname },
      outfile: join(dist, specifier.slice(1)),
      bundle: true,
      format: 'esm',
      platform: 'node',
      target,
      minifyWhitespace: true,
      minifySyntax: true,
      // zod and commander use the names of their classes.
      minifyIdentifiers: name === 'nats' || name === 'xstate',
      plugins: [nodeImports, noLocales],
      logLevel: 'warning',
    });
    for (const path of Object.keys(metafile.inputs)) {
      const folder = PACKAGE_FOLDER.exec(path)?.[0];
      if (folder !== undefined) folders.add(folder);
    }
  }
  writeFileSync(join(dist, 'third-party-licenses.md'), licencesOf([...folders].sort()));
}

/** The folder of the package that a path leads into. */
const PACKAGE_FOLDER = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/;

/** The licences, in the form in which Vite writes the licences of the pages. Throws for a package without one. */
function licencesOf(folders: readonly string[]): string {
  const parts = folders.map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Record<string, string>;
    const files = readdirSync(join(root, folder)).filter((file) => /^(?:licen[cs]e|notice)\b/i.test(file));
    if (files.length === 0) throw new Error(`the package ${name} has no file with its licence, and dist contains its code`);
    const texts = files.sort().map((file) => readFileSync(join(root, folder, file), 'utf8').trim());
    return `## ${name} - ${version} (${license})\n\n${texts.join('\n\n')}\n`;
  });
  return `# Licenses\n\nThe modules beside this file contain the code of these packages:\n\n${parts.join('\n')}`;
}
