import { textsIn } from './attempt-lines.ts';
import type { Redact } from './redaction.ts';

/*
 * The output of an attempt that runs (LIVE1 to LIVE3, src/DESIGN.md).
 *
 * A reader asks again and again, and names the lines that it has. A worker keeps nothing for readers: the kept end of the output, which becomes
 * the tail of the fact, is what it answers from.
 */

/** How much of the end of the output an answer is made from, in characters. */
const WINDOW = 8_192;
/** Where the beginning of the output was cut, this much of the window shows nothing: it may hold the end of a secret that began before it. */
const CUT_MARGIN = 4_096;
/** The most lines of an attempt in an answer. Readers ask twice a second, and older lines are left out. */
export const MAX_LIVE_LINES = 200;
/** The attempts in an answer. Those of which the reader has the fewest lines come first; a later question gets the others. */
const MAX_PARTS = 8;
/** The attempts of a function whose output one reader follows at a time. Output of further ones is shown at their end. */
export const MAX_LIVE_ATTEMPTS = 64;

/** What an attempt printed so far: the kept end of it, the number of its complete lines, and whether its beginning was cut. */
export type PrintedSoFar = { output: string; lines: number; isCut: boolean };

/** A question for the output of the running attempts of a function. `after` holds the number of lines that the reader has, by attempt. */
export type LiveQuestion = { function: string; invocation?: string | undefined; after: Readonly<Record<string, number>> };

/** New lines of a running attempt. `from` is the number of the first one, and `next` that of the line that follows. */
export type LivePart = { invocation: string; attempt: number; from: number; next: number; lines: string[] };

/** An attempt in {@link LiveQuestion}. */
export function liveKey({ invocation, attempt }: Pick<LivePart, 'invocation' | 'attempt'>): string {
  return `${invocation}#${attempt}`;
}

/** A running attempt and what it printed. */
export type RunningOutput = { requestId: string; attempt: number; printed: PrintedSoFar };

/** What is new of these attempts for a reader. */
export function livePartsOf(running: Iterable<RunningOutput>, { invocation, after }: LiveQuestion, redact: Redact | undefined): LivePart[] {
  const found = [...running]
    .filter((one) => invocation === undefined || one.requestId === invocation)
    .map((one) => ({ ...one, has: after[liveKey({ ...one, invocation: one.requestId })] ?? 0 }))
    .filter(({ has, printed }) => printed.lines > has)
    .sort((one, other) => one.has - other.has);
  return found
    .slice(0, MAX_PARTS)
    .map(({ requestId, attempt, printed, has }) => ({ invocation: requestId, attempt, ...newLines(printed, has, redact) }));
}

/**
 * The complete lines of an output after the first `has` ones, at most {@link MAX_LIVE_LINES}.
 *
 * Secrets are hidden in the whole window, whose first part the reader has: a secret that two chunks, or two lines, hold is found as in the
 * tail (LIVE2). A line is shown once it is complete.
 */
function newLines(
  { output, lines, isCut }: PrintedSoFar,
  has: number,
  redact: Redact = (text) => text,
): Omit<LivePart, 'invocation' | 'attempt'> {
  const end = output.lastIndexOf('\n') + 1;
  const start = Math.max(0, end - WINDOW);
  const window = output.slice(start, end);
  const shownFrom = isCut || start > 0 ? firstLineAfter(window, Math.min(CUT_MARGIN, window.length >> 1)) : 0;
  const from = Math.max(has, lines - MAX_LIVE_LINES, lines - countLines(window.slice(shownFrom)));
  const before = redact(window.slice(0, startOfLine(window, countLines(window) - (lines - from))));
  return { from, next: lines, lines: textsIn(redact(window)).slice(countLines(before)) };
}

/** How many line ends a text has. */
export function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}

function firstLineAfter(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end + 1;
}

function startOfLine(text: string, line: number): number {
  let at = 0;
  for (let left = line; left > 0; left -= 1) at = text.indexOf('\n', at) + 1;
  return at;
}
