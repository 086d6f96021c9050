import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ZipFile } from '#src/core/zip/read-zip.ts';
import { openFolderOfRun } from '#test/support/cli/processes/folder-of-run.ts';

/** The folder of bootstraps of this process. */
let folderOfProcess: string | undefined;
const runtimeFile = (name: string): string => fileURLToPath(new URL(`../../../src/hosts/runtime/${name}`, import.meta.url));
const supportFile = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** How a program serves functions: by the API of custom runtimes, as a web server, or by the runtime protocol. */
export type ProgramForm = 'custom' | 'http' | 'executable';

/** The files of a package for a program that serves the functions of a file of this folder. */
export function bootstrapFiles(handlers: string, form: ProgramForm = 'custom'): ZipFile[] {
  return form === 'executable' ? executableFiles(handlers) : servingFiles(handlers, form);
}

/** The runtime of Node.js keeps the protocol, and loads the functions from beside it. */
function executableFiles(handlers: string): ZipFile[] {
  const start = `unset PWD OLDPWD SHLVL _; exec '${process.execPath}' "\${0%/*}/child.mjs" ./beside.mjs "$@"`;
  const beside = `import { loadHandler as load } from './load.mjs';
export const loadHandler = (spec, more) => load({ ...spec, file: import.meta.dirname + '/${basename(handlers)}' }, more);
`;
  const copied = ['child', 'context', 'lines', 'load', 'outcome', 'output'].map((name) => runtimeFile(`${name}.mjs`));
  return [
    { path: 'bootstrap', content: Buffer.from(`#!/bin/sh\n${start}\n`), isExecutable: true },
    { path: 'beside.mjs', content: Buffer.from(beside) },
    ...[...copied, supportFile(handlers)].map((file) => ({ path: basename(file), content: readFileSync(file) })),
  ];
}

function servingFiles(handlers: string, form: 'custom' | 'http'): ZipFile[] {
  const programs = ['custom-program.mjs', 'http-program.mjs', handlers];
  const copied = [...['context.mjs', 'load.mjs', 'outcome.mjs'].map(runtimeFile), ...programs.map(supportFile)];
  const program = `import('./${form}-program.mjs').then(({ serve }) => serve(new URL('${handlers}', 'file://' + __filename)));`;
  return [
    { path: 'bootstrap', content: Buffer.from(`#!${process.execPath}\n${program}\n`), isExecutable: true },
    ...copied.map((file) => ({ path: basename(file), content: readFileSync(file) })),
  ];
}

/** The path of such a `bootstrap` on this machine. The files stay until the test run is over. */
export function bootstrapFile(handlers: string, form: ProgramForm = 'custom'): string {
  folderOfProcess ??= openFolderOfRun('bootstraps');
  const folder = join(folderOfProcess, form, basename(handlers, '.mjs'));
  const file = join(folder, 'bootstrap');
  // A process that starts must not read a file that is written again.
  if (existsSync(file)) return file;
  mkdirSync(folder, { recursive: true });
  for (const { path, content, isExecutable } of bootstrapFiles(handlers, form))
    writeFileSync(join(folder, path), content, isExecutable ? { mode: 0o755 } : {});
  return file;
}
