import type { StoredOutput } from '#machines/facts.ts';
import type { LiveTransition } from '#src/core/log/transitions.ts';
import { LOG_LEVELS, type LogLevel, parseLine } from './log-line.ts';
import { isCutTail } from './tail.ts';

/** An attempt that ended, with the output that its fact holds. */
export type EndedAttempt = {
  /** The sequence of the message in the log. */
  sequence: number;
  function: string;
  invocation: string;
  attempt: number;
  endedAt: number;
  output: string;
  /** Where the whole output is, when the function keeps it. */
  storedOutput?: StoredOutput | undefined;
  /** The failure in words; `undefined` after a success. */
  failure: string | undefined;
};

/** One line of the logs of a function. */
export type LogLine = Pick<EndedAttempt, 'sequence' | 'function' | 'invocation' | 'attempt'> & {
  /** The number of the line in its attempt, from 0. */
  index: number;
  /** The time that the line itself states, otherwise the end of its attempt, in milliseconds since the epoch. */
  at: number;
  /** Whether the function printed the line, or the line is the failure of the attempt. */
  kind: 'output' | 'failure';
  /** Whether the attempt failed. */
  failed: boolean;
  /** The level in a structured line; `undefined` without one. */
  level: LogLevel | undefined;
  /** The message in a structured line; otherwise the line. */
  message: string;
  /** The line as it was printed. */
  text: string;
  /** The attempt printed more before this line, which is missing here. */
  isCut?: true;
  /** The missing part is stored. */
  isStored?: true;
  /** The attempt runs. Its number of the message in the log is 0. */
  isLive?: true;
  /** How many lines of a running attempt before this line are not shown. */
  leftOut?: number;
};

/** The attempt that a transition ends; `undefined` for all other transitions. */
export function attemptIn({ sequence, function: name, fact }: LiveTransition): EndedAttempt | undefined {
  if (fact.type !== 'retrying' && fact.type !== 'succeeded' && fact.type !== 'failed') return undefined;
  if (fact.attempt === 0) return undefined;
  const failure = fact.type === 'succeeded' ? undefined : `${fact.failure.errorType}: ${fact.failure.message}`;
  const { invocation, attempt, at: endedAt, output = '', storedOutput } = fact;
  return { sequence, function: name, invocation, attempt, endedAt, output, storedOutput, failure };
}

/** The lines of an attempt, with its failure as the last one. `whole` is the stored output, where it was read. */
export function linesOf(attempt: EndedAttempt, whole?: string): LogLine[] {
  const { sequence, function: name, invocation, endedAt, failure } = attempt;
  const common = { sequence, function: name, invocation, attempt: attempt.attempt, failed: failure !== undefined };
  const lines = linesFrom(textsIn(whole ?? attempt.output), common, { at: endedAt, from: 0 });
  if (lines[0] !== undefined) markCut(lines[0], attempt, whole !== undefined);
  if (failure === undefined) return lines;
  return [...lines, { ...common, index: lines.length, at: endedAt, kind: 'failure', level: 'error', message: failure, text: failure }];
}

type Common = Pick<LogLine, 'sequence' | 'function' | 'invocation' | 'attempt' | 'failed' | 'isLive'>;

/** The log lines of printed texts. `at`: the time of a line that states none; `from`: the number of the first line. */
export function linesFrom(texts: readonly string[], common: Common, { at: otherwise, from }: { at: number; from: number }): LogLine[] {
  let level: LogLevel | undefined;
  let at = otherwise;
  return texts.map((text, index): LogLine => {
    const parsed = parseLine(text);
    // An indented line continues the one before it: a stack trace has the level of its error.
    if (!/^\s/.test(text)) level = parsed.level;
    at = parsed.at ?? (/^\s/.test(text) ? at : otherwise);
    return { ...common, index: from + index, at, kind: 'output', level, message: parsed.message, text };
  });
}

function markCut(first: LogLine, { output, storedOutput }: EndedAttempt, isWhole: boolean): void {
  if (isWhole ? storedOutput?.isCut : isCutTail(output) || storedOutput !== undefined) first.isCut = true;
  if (!isWhole && storedOutput !== undefined) first.isStored = true;
}

/** The lines of printed text. An end of line at its end begins no further line. */
export function textsIn(output: string): string[] {
  const texts = output.split(/\r?\n/);
  if (texts.at(-1) === '') texts.pop();
  return texts;
}

/** Which lines a reader wants. All given conditions must hold. */
export type LogFilter = {
  /** Only of attempts that failed. */
  failed?: boolean | undefined;
  /** At least of this level. A line without a level counts as `info`. */
  level?: LogLevel | undefined;
  /** Lines that contain this text, in upper or lower case. */
  text?: string | undefined;
  /** Only of the invocation with this id. */
  invocation?: string | undefined;
};

/** The two tests of a filter: of an attempt, before its output is read, and of a line. */
export type LogTest = { attempt(ended: EndedAttempt): boolean; line(line: LogLine): boolean };

export function createLogTest({ failed = false, level, text, invocation }: LogFilter): LogTest {
  const wanted = text?.toLowerCase();
  const least = level === undefined ? 0 : LOG_LEVELS.indexOf(level);
  return {
    attempt: (ended) => (!failed || ended.failure !== undefined) && (invocation === undefined || ended.invocation === invocation),
    line: (line) => LOG_LEVELS.indexOf(line.level ?? 'info') >= least && (wanted === undefined || line.text.toLowerCase().includes(wanted)),
  };
}
