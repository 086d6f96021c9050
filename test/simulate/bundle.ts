import { mkdir, rename } from 'node:fs/promises';
import { bundleScript } from '#test/support/cli/processes/bundle-script.ts';

// Bundles the simulation: without the names that tsx gives to each function when it is made, it takes a tenth less time. Another run may
// start at the same moment, so the file appears whole.

const folder = 'node_modules/.cache/simulate';
const own = `${folder}/run-${process.pid}.mjs`;
await mkdir(folder, { recursive: true });
await bundleScript('test/simulate/run.ts', own);
await rename(own, `${folder}/run.mjs`);
