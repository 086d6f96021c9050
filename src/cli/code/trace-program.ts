import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CodeError } from './code-error.ts';
import { filesIn } from './folder-files.ts';

/** The files of the program of a function: all of its folder. Throws `CodeError` when the program is not executable. Nothing of it runs. */
export async function traceProgram(file: string) {
  const { mode, size } = statSync(file);
  if ((mode & 0o100) === 0) {
    const text = 'the file is not executable; a zip archive keeps that when it is packed on Unix';
    throw new CodeError([{ text, file }], { files: [file], remedy: `chmod +x ${file}` });
  }
  const files = (await filesIn(dirname(file))).map(({ path }) => join(dirname(file), path));
  // What the program names is known to the program alone. Settings are in sequent.json.
  const hasExport = (name: string): boolean => !['config', 'input', 'default'].includes(name);
  return { file, files, packages: [], isEmpty: size === 0, hasExport, expectExport: (): void => undefined };
}
