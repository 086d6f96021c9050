import { relative } from 'node:path';
import type { Message } from 'esbuild';
import { CommandError, exitCodes } from '../problem.ts';

type Defect = Pick<Message, 'text'> & Partial<Pick<Message, 'location'>> & { file?: string };
type Facts = {
  /** The files that were read until the defect was found. */
  files: readonly string[];
  remedy?: string;
};

/** At most this many defects are shown: the first ones cause the others. */
const MAX_SHOWN = 3;

/** The code of a function cannot be loaded. The reason names file, line and column of each defect, and shows the line. */
export class CodeError extends CommandError {
  readonly files: readonly string[];

  constructor(defects: readonly Defect[], { files, remedy = 'the same command, after the code is right' }: Facts, options?: ErrorOptions) {
    const why = defects.slice(0, MAX_SHOWN).map(describe).join('\n');
    super({ code: 'CODE_NOT_LOADABLE', exitCode: exitCodes.usage, what: 'the code cannot be loaded', why, remedy }, options);
    this.files = files;
  }
}

function describe({ text, location, file }: Defect): string {
  if (location === null || location === undefined) return `${file === undefined ? '' : `${fromHere(file)}: `}${text}`;
  const { line, column, lineText } = location;
  // esbuild counts the bytes of a column, from 0.
  const before = Buffer.from(lineText).subarray(0, column).toString();
  return [
    `${fromHere(`/${location.file}`)}:${line}:${before.length + 1}: ${text}`,
    `  ${line} | ${lineText}`,
    `  ${' '.repeat(String(line).length)} | ${before.replaceAll(/[^\t]/g, ' ')}^`,
  ].join('\n');
}

/** A path as a reader in the working directory writes it. */
export function fromHere(file: string): string {
  const path = relative(process.cwd(), file);
  return path === '' || path.startsWith('..') ? file : path;
}
