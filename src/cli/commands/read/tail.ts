import { Command, InvalidArgumentError } from 'commander';
import { factTypes } from '#machines/fact-types.ts';
import { conditions } from '#machines/facts.ts';
import { parseWhole } from '#src/cli/arguments/durations.ts';
import { addInvocationFilters, type FilterOptions, filterOf } from '#src/cli/arguments/history-filters.ts';
import { parsePointInTime } from '#src/cli/arguments/moment.ts';
import { createInvocationTest } from '#src/cli/arguments/tail-filter.ts';
import { transitionLine } from '#src/cli/print/transitions.ts';
import { say } from '#src/cli/texts/say.ts';
import type { TransitionsOptions } from '#src/client/client.ts';
import { parseFunctionName } from '#src/core/names/names.ts';
import { action, type Call } from '../../call.ts';
import { exitCodes } from '../../problem.ts';
import { printConnection, withClient } from '../../session.ts';

type TailOptions = Omit<FilterOptions, 'state' | 'condition'> & {
  state?: string[];
  condition?: string[];
  from?: 'now' | number | Date;
  durable?: string;
  limit?: number;
};

export function tailCommand(): Command {
  const command = new Command('tail')
    .description('Prints one line per transition, from now on or from an earlier position of the log, until Ctrl-C.')
    .argument('[function]', 'only of this function')
    .option('--state <state>', `only these transitions, repeatable: ${factTypes.join(', ')}`, oneOf(factTypes))
    .option('--condition <condition>', `only failures for these reasons, repeatable: ${names.join(', ')}`, oneOf(names));
  return addInvocationFilters(command)
    .option('--from <position>', 'a sequence of the log (1 is the first), a duration ago (30m), a moment, or now', parsePosition)
    .option('--durable <name>', 'keep the position under this name in JetStream: the next tail of that name continues there')
    .option('-n, --limit <count>', 'end after this many lines', parseWhole(1))
    .addHelpText('after', examples)
    .action(action<TailOptions>(tail));
}

const names = Object.keys(conditions);

const examples = `
Examples:
  sequent tail
  sequent tail flaky --state retrying --state failed
  sequent tail --condition EventAgeExceeded --from 1h
  sequent tail --root order-4711              all invocations of its chain
  sequent tail --from 1 --json | jq 'select(.transition == "failed")'
  sequent tail orders --state failed --durable pager -o jsonl | ./page-me

A durable tail acknowledges a transition after its line is printed. See sequent cursor ls, sequent cursor rm <name>.
The filters from --qualifier to --text apply to the invocation of a transition, and need a projection.`;

function oneOf(choices: readonly string[]): (value: string, previous?: string[]) => string[] {
  return (value, previous = []) => {
    const wanted = value.split(',');
    if (wanted.every((one) => choices.includes(one))) return [...previous, ...wanted];
    throw new InvalidArgumentError(`Allowed choices are ${choices.join(', ')}.`);
  };
}

function parsePosition(text: string): 'now' | number | Date {
  if (text === 'now') return text;
  return /^\d+$/.test(text) ? parseWhole(1)(text) : new Date(parsePointInTime(text));
}

async function tail(call: Call<TailOptions>): Promise<typeof exitCodes.ok> {
  const { options, terminal, format } = call;
  const [only] = call.args;
  if (only !== undefined) parseFunctionName(only);
  await withClient(options, async (client) => {
    const { err, out } = terminal;
    const { state, condition, from, durable, limit, ...rest } = options;
    const matches = await createInvocationTest(client.history, filterOf(rest));
    const given = { function: only, state, condition, from, durable };
    const wanted = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as TransitionsOptions;
    printConnection(client, err);
    if (err.isTty && format === 'table') err.line(err.paint.dim(say('the log of {servers}; Ctrl-C ends this', client.connection)));
    let printed = 0;
    for await (const transition of client.transitions(wanted)) {
      const isShown = await matches(transition);
      if (isShown) out.line(transitionLine(transition, { format, output: out }));
      transition.ack();
      if (isShown && ++printed === limit) break;
    }
  });
  return exitCodes.ok;
}
