import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { packageVersion } from '../../../../build/package-version.ts';

const root = fileURLToPath(new URL('../../../..', import.meta.url));

/** Bundles a script of the tests, which then starts without the loader of TypeScript, as one module at `outfile`. */
export async function bundleScript(file: string, outfile: string): Promise<void> {
  await build({
    entryPoints: [file],
    // The default is the working directory when this process loaded esbuild. Without that directory, esbuild resolves no file.
    absWorkingDir: root,
    outfile,
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    sourcemap: 'inline',
    plugins: [packageVersion],
    logLevel: 'warning',
  });
}
