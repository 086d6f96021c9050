import { createRequire, isBuiltin } from 'node:module';
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

/**
 * Writes the NATS client as one ES module. The `nats` package is CommonJS: an application's ES module bundle of it would fail
 * ("Dynamic require of crypto is not supported").
 */
export async function buildNatsModule(outfile: string, target: string): Promise<void> {
  const names = Object.keys(createRequire(import.meta.url)('nats'));
  await build({
    stdin: { contents: `export { ${names.join(', ')} } from 'nats';`, resolveDir: import.meta.dirname },
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target,
    minifyWhitespace: true,
    plugins: [nodeImports],
    logLevel: 'warning',
  });
}
