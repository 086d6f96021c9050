import { join, parse } from 'node:path';
import { BUILT } from '#test/support/cli/command-line.ts';
import { bundleScript } from './bundle-script.ts';

const bundled = new Map<string, Promise<string>>();

/**
 * The arguments by which Node starts a script of the tests: as one module that is bundled once in this process, in the folder of the built
 * modules of the test run.
 *
 * A script starts with a fifth of the processor time that the loader of TypeScript takes, which counts in a test that starts dozens.
 */
export async function bundledScript(file: string): Promise<string[]> {
  let outfile = bundled.get(file);
  if (outfile === undefined) {
    outfile = bundle(file);
    bundled.set(file, outfile);
  }
  return ['--enable-source-maps', await outfile];
}

async function bundle(file: string): Promise<string> {
  const folder = process.env[BUILT];
  if (folder === undefined) throw new Error(`a test that starts ${file} belongs to a kind that builds the modules (tiers.ts)`);
  const outfile = join(folder, 'scripts', `${parse(file).name}-${process.pid}.mjs`);
  await bundleScript(file, outfile);
  return outfile;
}
