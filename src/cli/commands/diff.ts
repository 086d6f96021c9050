import { Command } from 'commander';
import { nameAsOf, parseAsOf } from '#src/cli/arguments/moment.ts';
import { printOne } from '#src/cli/print/output.ts';
import { cut, plain } from '#src/cli/print/terminal.ts';
import { action, type Call } from '../call.ts';
import { exitCodes, usageProblem } from '../problem.ts';
import { withClient } from '../session.ts';

type DiffOptions = { function?: string };

export function diffCommand(): Command {
  return new Command('diff')
    .summary('changes of an invocation between two moments')
    .description('Compares the states of an invocation at two moments: sequences of the log, or times.')
    .argument('<id>', 'the request id')
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
  const [id = '', from = '', to = ''] = call.args;
  const [before, after] = [momentIn(from), momentIn(to)];
  return await withClient(call.options, async (client) => {
    const found = await client.timeline(id, call.options.function === undefined ? {} : { function: call.options.function });
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
      lines: () => changes.map(({ words }) => cut(plain(words), width)),
    });
    if (changes.length === 0) err.line(err.paint.dim(`nothing changed between ${nameAsOf(before)} and ${nameAsOf(after)}`));
    return exitCodes.ok;
  });
}

function momentIn(text: string) {
  try {
    return parseAsOf(text);
  } catch (error) {
    throw usageProblem(`${JSON.stringify(text)} is not a moment`, (error as Error).message, 'sequent diff --help');
  }
}
