import type { Failure } from '#machines/facts.ts';
import type { Call } from '#src/cli/call.ts';
import { formatBytes } from '#src/cli/print/format.ts';
import { placeOf, sourceLine } from '#src/cli/print/source-line.ts';
import { type OutputStream, plain } from '#src/cli/print/terminal.ts';
import { type ExitCode, exitCodes } from '#src/cli/problem.ts';
import { say, sayWord } from '#src/cli/texts/say.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import type { OnceResult } from './execute-once.ts';

/** Prints the returned value on stdout, or the failure on stderr; then the duration and the memory. Returns the exit code. */
export function printResult({ terminal: { out, err }, format }: Pick<Call, 'terminal' | 'format'>, result: OnceResult): ExitCode {
  const { outcome, durationInMs, memoryInBytes } = result;
  const { failure } = outcome;
  const exitCode = exitCodeOf(result);
  const word = failure === undefined ? 'succeeded' : 'failed';
  if (format === 'json' || format === 'jsonl') {
    out.line(JSON.stringify({ outcome: word, ...outcome, durationInMs, memoryInBytes, exitCode }, null, format === 'json' ? 2 : 0));
    return exitCode;
  }
  if (failure !== undefined) printFailure(failure, err);
  else if (outcome.payload !== '') out.line(outcome.payload);
  const values = { outcome: sayWord(word), duration: formatDuration(durationInMs), code: exitCode };
  const line =
    memoryInBytes === undefined
      ? say('{outcome} after {duration}, exit code {code}', values)
      : say('{outcome} after {duration}, {memory} of memory, exit code {code}', { ...values, memory: formatBytes(memoryInBytes) });
  err.line(err.paint.dim(line));
  return exitCode;
}

function exitCodeOf({ outcome, isTimeout }: OnceResult): ExitCode {
  if (outcome.failure === undefined) return exitCodes.ok;
  return isTimeout ? exitCodes.timedOut : exitCodes.failed;
}

function printFailure({ errorType, message, stackTrace = [] }: Failure, { line, paint }: OutputStream): void {
  line(`${paint.bold(paint.red(say('error:')))} ${plain(`${errorType}: ${message}`)}`);
  const { path = '', line: number = '' } = placeOf(stackTrace) ?? {};
  const code = sourceLine(path, Number(number));
  if (code !== undefined) line(`  ${number} | ${plain(code)}`);
  for (const frame of stackTrace) line(`    ${plain(frame)}`);
}
