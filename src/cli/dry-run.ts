import type { Command } from 'commander';
import type { Rehearsal, RehearsalEndedError, RehearsedChange } from '#src/nats/transport/rehearsal.ts';
import type { Difference } from './print/differences.ts';
import type { OutputStream, Terminal } from './print/terminal.ts';
import { type ExitCode, exitCodes } from './problem.ts';

const rehearsed = new WeakSet<Command>();

/** Gives a command that changes something the option `--dry-run`, by which it prints the difference and changes nothing (DRY1). */
export function withDryRun(command: Command): Command {
  rehearsed.add(command);
  return command.option('--dry-run', 'print what would change, and change nothing');
}

/** Whether this call of a command is a rehearsal. */
export function isRehearsal(command: Command, options: object): boolean {
  return rehearsed.has(command) && (('dryRun' in options && options.dryRun === true) || isPlan(options));
}

/** Whether the exit code of a rehearsal tells whether something would change: `--plan`. */
function isPlan(options: object): boolean {
  return 'plan' in options && options.plan === true;
}

/** The parts of a call that a rehearsal reads or changes. */
type Rehearsable = { options: object; terminal: Terminal; format: string };

/** Runs the body of a command on a connection that notes changes instead of making them, and prints what would change. */
export async function rehearse<Call extends Rehearsable>(
  call: Call,
  perform: (call: Call) => Promise<ExitCode | undefined>,
): Promise<ExitCode> {
  const { Rehearsal, RehearsalEndedError: Ended } = await import('#src/nats/transport/rehearsal.ts');
  const { terminal } = call;
  const rehearsal = new Rehearsal();
  const muted = { ...terminal, out: silent(terminal.out), err: silent(terminal.err) };
  // Nothing is changed, so there is nothing to confirm.
  const options = { ...call.options, rehearsal, yes: true as const };
  try {
    const code = await perform({ ...call, options, terminal: muted });
    if (code !== undefined && code !== exitCodes.ok) return code;
  } catch (error) {
    if (!isCausedBy(error, Ended)) throw error;
  }
  const changes = await print(call, rehearsal);
  return isPlan(call.options) && changes > 0 ? exitCodes.differences : exitCodes.ok;
}

function isCausedBy(error: unknown, kind: typeof RehearsalEndedError): boolean {
  return error instanceof kind || (error instanceof Error && isCausedBy(error.cause, kind));
}

function silent(stream: OutputStream): OutputStream {
  return { ...stream, line: () => {} };
}

/** Resolves to the number of changes. */
async function print({ terminal: { out, err }, format, options }: Rehearsable, { changes, dropped }: Rehearsal): Promise<number> {
  const { describeChange } = await import('./print/differences.ts');
  const { inLanguage } = await import('#src/core/text/language.ts');
  const { say } = await import('./texts/say.ts');
  const describe = () => changes.map((change: RehearsedChange) => describeChange(change)).filter((one) => one !== undefined);
  // Names are for programs, as JSON is.
  const described = format === 'name' ? inLanguage('en', describe) : describe();
  if (format === 'json' || format === 'jsonl') {
    out.line(JSON.stringify({ dryRun: true, changes: described, dropped }, null, format === 'json' ? 2 : 0));
    return described.length + dropped;
  }
  for (const one of described) for (const line of linesOf(one, format === 'name')) out.line(line);
  if (dropped > 0) err.line(say('{count} further changes are not shown', { count: dropped }));
  const done = isPlan(options) ? say('nothing was changed (--plan)') : say('nothing was changed (--dry-run)');
  err.line(described.length === 0 ? say('nothing would change') : done);
  return described.length + dropped;
}

function linesOf({ subject, fields }: Difference, isBrief: boolean): string[] {
  if (isBrief) return [subject];
  return [subject, ...fields.map(({ field, before = '-', after = '-' }) => `  ${field}: ${before} → ${after}`)];
}
