import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const bundler = fileURLToPath(new URL('../../support/cli/processes/bundle-script.ts', import.meta.url));
const script = fileURLToPath(new URL('../../support/worker/computing-worker.ts', import.meta.url));

/** A command that deploys a folder loads esbuild there, and the folder is gone when the test of the command ends. */
const program = (gone: string, outfile: string): string => `
  import { rmSync } from 'node:fs';
  process.chdir(${JSON.stringify(gone)});
  await (await import('esbuild')).transform('');
  process.chdir('/');
  rmSync(${JSON.stringify(gone)}, { recursive: true });
  const { tsImport } = await import('tsx/esm/api');
  const { bundleScript } = await tsImport(${JSON.stringify(bundler)}, ${JSON.stringify(import.meta.url)});
  await bundleScript(${JSON.stringify(script)}, ${JSON.stringify(outfile)});`;

test('a script is bundled in a process that loaded esbuild in a folder which is gone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-bundle-'));
  const gone = await mkdtemp(join(folder, 'gone-'));
  const outfile = join(folder, 'script.mjs');
  const args = ['--input-type=module', '-e', program(gone, outfile)];
  await promisify(execFile)(process.execPath, args, { cwd: fileURLToPath(new URL('../../..', import.meta.url)) });
  expect(await readFile(outfile, 'utf8')).toContain('computing-worker.ts');
  await rm(folder, { recursive: true });
});
