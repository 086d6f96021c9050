import { Command } from 'commander';
import type { Change } from '#src/analysis/diff.ts';
import { nameAsOf, parseAsOf } from '#src/cli/arguments/moment.ts';
import { printOne } from '#src/cli/print/output.ts';
import { cut, plain } from '#src/cli/print/terminal.ts';
import { say } from '#src/cli/texts/say.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { INVOCATION_ARGUMENT, namedInvocation } from '../../arguments/invocation-argument.ts';
import { action, type Call } from '../../call.ts';
import { exitCodes, usageProblem } from '../../problem.ts';
import { withClient } from '../../session.ts';

type DiffOptions = { function?: string };

export function diffCommand(): Command {
  return new Command('diff')
    .description('Compares the states of an invocation at two moments: sequences of the log, or times.')
    .argument('<id>', INVOCATION_ARGUMENT)
    .argument('<before>', 'a sequence, a time, or a duration ago')
    .argument('<after>', 'the later moment')
    .option('--function <name>', 'its function, if several functions were invoked with one id')
    .addHelpText('after', examples)
    .action(action<DiffOptions>(diff));
}

const examples = `
Examples:
  sequent diff order-4711 4120 4127
  sequent diff order-4711 2026-01-31T12:00:00Z 2026-01-31T12:05:00Z
  sequent diff order-4711 1h 1m --json

Exit codes: 0 compared, 2 not a moment, 3 no such invocation.`;

async function diff(call: Call<DiffOptions>): Promise<typeof exitCodes.ok> {
  const [named = '', from = '', to = ''] = call.args;
  const [before, after] = [momentIn(from), momentIn(to)];
  return await withClient(call.options, async (client) => {
    const { id, owner } = await namedInvocation(
      client,
      named,
      call.options.function === undefined ? {} : { function: call.options.function },
    );
    const found = await client.timeline(id, owner);
    const { stateOf, upTo } = await import('#src/analysis/history.ts');
    const { diffStates, plainOf } = await import('#src/analysis/diff.ts');
    const [one, other] = [stateOf(upTo(found, before)), stateOf(upTo(found, after))];
    const changes = diffStates(one, other);
    const { err, out } = call.terminal;
    // Stack traces and payloads may be longer than a line of the terminal.
    const width = out.isTty ? out.columns : Number.POSITIVE_INFINITY;
    printOne(call, {
      value: { requestId: id, before: { asOf: before, ...plainOf(one) }, after: { asOf: after, ...plainOf(other) }, changes },
      name: `${one.value} ${other.value}`,
      lines: () => changes.flatMap((change) => linesOf(change, width)),
    });
    if (changes.length === 0)
      err.line(err.paint.dim(say('nothing changed between {before} and {after}', { before: nameAsOf(before), after: nameAsOf(after) })));
    return exitCodes.ok;
  });
}

/** A line for a single value; for a value with fields, its name and a line for each field below. */
function linesOf({ path, before, after, words }: Change, width: number): string[] {
  const value = after ?? before;
  if (typeof value !== 'object' || value === null) return [cut(plain(words), width)];
  const isGone = after === undefined || after === null;
  const isNew = before === undefined || before === null;
  const name = path.replace(/^context\./, '');
  const head = say(isGone ? '{name} has no value now; it was' : isNew ? '{name} is now' : '{name} went to', { name });
  return [head, ...fieldsOf(value).map((line) => cut(`  ${plain(line)}`, width))];
}

/** The fields of a value, nested ones by their path, with times and durations for people. */
function fieldsOf(value: object, prefix = ''): string[] {
  return Object.entries(value).flatMap(([key, field]) => {
    if (typeof field === 'object' && field !== null) return fieldsOf(field, `${prefix}${key}.`);
    return [`${prefix}${key}  ${valueInWords(key, field)}`];
  });
}

function valueInWords(key: string, value: unknown): string {
  if (typeof value === 'number' && /^at$|At$/.test(key)) return new Date(value).toISOString();
  if (typeof value === 'number' && key.endsWith('InMs')) return formatDuration(value);
  return String(value);
}

function momentIn(text: string) {
  try {
    return parseAsOf(text);
  } catch (error) {
    throw usageProblem(`${JSON.stringify(text)} is not a moment`, (error as Error).message, 'sequent diff --help');
  }
}
