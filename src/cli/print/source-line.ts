import { readFileSync } from 'node:fs';

/** A line of a source file, counted from 1; `undefined` when the file or the line is not there. */
export function sourceLine(path: string, line: number): string | undefined {
  try {
    return readFileSync(path, 'utf8').split('\n')[line - 1];
  } catch {
    return undefined;
  }
}
