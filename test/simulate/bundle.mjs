import { mkdir, rename } from 'node:fs/promises';
import { build } from 'esbuild';

// Bundles the simulation: without the names that tsx gives to each function when it is made, it takes a tenth less time. Another run may
// start at the same moment, so the file appears whole.

const folder = 'node_modules/.cache/simulate';
const own = `${folder}/run-${process.pid}.mjs`;
await mkdir(folder, { recursive: true });
await build({
  entryPoints: ['test/simulate/run.ts'],
  outfile: own,
  bundle: true,
  packages: 'external',
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  sourcemap: 'inline',
  logLevel: 'warning',
});
await rename(own, `${folder}/run.mjs`);
