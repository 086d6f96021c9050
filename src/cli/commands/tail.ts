import { Command, InvalidArgumentError } from 'commander';
import { parseFunctionName } from '#src/core/names.ts';
import { type Call, performs } from '../call.ts';
import { parseWhole } from '../durations.ts';
import { factTypes } from '../facts-in-words.ts';
import { exitCodes } from '../problem.ts';
import { sayConnection, withClient } from '../session.ts';
import { type LiveTransition, transitionLine, transitionsIn } from '../transitions.ts';

type TailOptions = { state: string[]; from?: number; limit?: number };

export function tailCommand(): Command {
  return new Command('tail')
    .summary('transitions as they happen')
    .description('Prints one line for each transition, from now on or from a sequence of the log, until Ctrl-C.')
    .argument('[function]', 'only of this function')
    .option('--state <state>', `only these transitions, repeatable: ${factTypes.join(', ')}`, collect, [])
    .option('--from <sequence>', 'from this sequence of the log on; 1 is the beginning', parseWhole(1))
    .option('-n, --limit <count>', 'end after so many lines', parseWhole(1))
    .addHelpText('after', examples)
    .action(performs<TailOptions>(tail));
}

const examples = `
Examples:
  sequent tail
  sequent tail flaky --state retrying --state failed
  sequent tail --from 1 --json | jq 'select(.transition == "failed")'`;

function collect(value: string, previous: string[] = []): string[] {
  const unknown = value.split(',').find((one) => !(factTypes as string[]).includes(one));
  if (unknown !== undefined) throw new InvalidArgumentError(`Allowed choices are ${factTypes.join(', ')}.`);
  return [...previous, ...value.split(',')];
}

async function tail(call: Call<TailOptions>): Promise<typeof exitCodes.ok> {
  const { options, terminal, format } = call;
  const [only] = call.args;
  if (only !== undefined) parseFunctionName(only);
  await withClient(options, async (client) => {
    const ending = new AbortController();
    const { err, out } = terminal;
    let printed = 0;
    const isWanted = ({ function: name, fact }: LiveTransition): boolean =>
      (only === undefined || name === only) && (options.state.length === 0 || options.state.includes(fact.type));
    const print = (transition: LiveTransition): void => {
      if (ending.signal.aborted || !isWanted(transition)) return;
      out.line(transitionLine(transition, { format, sheet: out }));
      if (++printed === options.limit) ending.abort();
    };
    sayConnection(client, err);
    if (err.isTty && format === 'table') err.line(err.paint.dim(`the log of ${client.connection.servers}; Ctrl-C ends this`));
    await client.follow(options.from ?? 'now', (entry) => transitionsIn(entry).forEach(print), ending.signal);
  });
  return exitCodes.ok;
}
