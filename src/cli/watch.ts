import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import { durationOption } from './arguments/durations.ts';
import type { Call } from './call.ts';
import type { OutputStream, Terminal } from './print/terminal.ts';
import { exitCodes, problemOf } from './problem.ts';
import { say } from './texts/say.ts';

export type WatchOptions = { watch?: true; interval: number };

const DEFAULT_INTERVAL_IN_MS = 2_000;
const MIN_INTERVAL_IN_MS = 100;

export function addWatch(command: Command): Command {
  return command
    .option('-w, --watch', 'print again after each interval, until Ctrl-C')
    .addOption(durationOption('--interval <duration>', 'the time between two prints of --watch', DEFAULT_INTERVAL_IN_MS));
}

/**
 * Prints once, or again and again with `--watch`. A terminal shows only the newest output, on a cleared screen. A pipe gets each output
 * that differs from the one before. While nothing answers, the watch goes on, and says so once for each reason.
 *
 * `print` writes to the terminal of its call, and returns whether the output can still change.
 */
export async function watching<Options extends WatchOptions>(
  call: Call<Options>,
  print: (call: Call<Options>) => Promise<boolean>,
): Promise<void> {
  const { watch, interval } = call.options;
  if (watch === undefined) {
    await print(call);
    return;
  }
  const show = call.terminal.out.isTty ? onClearedScreen(call) : whenChanged(call);
  const answered = { isFirst: true, outage: undefined as string | undefined };
  for (let canChange = true; canChange; ) {
    const lines: string[] = [];
    try {
      canChange = await print({ ...call, terminal: recorder(call.terminal, lines) });
      show(lines.join('\n'));
      answered.outage = undefined;
      answered.isFirst = false;
    } catch (error) {
      reportOutage(call, answered, error);
    }
    if (canChange) await wait(Math.max(interval, MIN_INTERVAL_IN_MS));
  }
}

/** A watch outlives an outage, and says each reason once. Rethrows without a first answer: the command has failed. */
function reportOutage({ terminal }: Call, answered: { isFirst: boolean; outage: string | undefined }, error: unknown): void {
  const why = answered.isFirst ? undefined : outageIn(error);
  if (why === undefined) throw error;
  if (why !== answered.outage) terminal.warn(say('no answer, asking again: {why}', { why }));
  answered.outage = why;
}

/** Why nothing answers at the moment; `undefined` for an error that a later print would meet again. */
function outageIn(error: unknown): string | undefined {
  const { exitCode, why } = problemOf(error);
  return exitCode === exitCodes.unreachable || exitCode === exitCodes.timedOut ? why : undefined;
}

function onClearedScreen({ terminal: { out }, options: { interval } }: Call<WatchOptions>): (text: string) => void {
  return (text) => {
    const time = new Date().toISOString().slice(11, 19);
    const head = say('{time} UTC, again every {seconds} s; Ctrl-C ends this', { time, seconds: interval / 1_000 });
    out.clear();
    out.line(`${out.paint.dim(head)}\n${text}`);
  };
}

function whenChanged({ terminal: { out } }: Call): (text: string) => void {
  let shown: string | undefined;
  return (text) => {
    if (text !== shown) out.line(text);
    shown = text;
  };
}

/** The terminal of the call, which collects the lines of both outputs. */
function recorder(terminal: Terminal, lines: string[]): Terminal {
  const line = (text = ''): void => void lines.push(text);
  const recorded = (output: OutputStream): OutputStream => Object.create(output, { line: { value: line } }) as OutputStream;
  return { ...terminal, out: recorded(terminal.out), err: recorded(terminal.err) };
}
