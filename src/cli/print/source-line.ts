import { readFileSync } from 'node:fs';

/** A line of a source file, counted from 1; `undefined` when the file or the line is not there. */
export function sourceLine(path: string, line: number): string | undefined {
  try {
    return readFileSync(path, 'utf8').split('\n')[line - 1];
  } catch {
    return undefined;
  }
}

const ofNode = /(?<path>\/[^\s():]+):(?<line>\d+):\d+/;
const ofPython = /^File "(?<path>\/[^"]+)", line (?<line>\d+)/;

/** Whether a line of a stack names a place in a file. */
export function isFrame(line: string): boolean {
  return ofPython.test(line) || /:\d+:\d+/.test(line);
}

/** Where an error was thrown: the first frame of Node, or the last one of Python. */
export function placeOf(stackTrace: readonly string[]): { path?: string; line?: string } | undefined {
  const frames = stackTrace.map((frame) => (ofPython.exec(frame) ?? ofNode.exec(frame))?.groups).filter((found) => found !== undefined);
  return ofPython.test(stackTrace.at(-1) ?? '') ? frames.at(-1) : frames[0];
}
