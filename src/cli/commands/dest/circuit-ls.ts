import { Command } from 'commander';
import { type Column, printList } from '#src/cli/print/output.ts';
import { say, sayCount, sayWord } from '#src/cli/texts/say.ts';
import { countOmittedCircuits, describeCircuit, type UnclosedCircuit, unclosedCircuits } from '#src/core/unclosed-circuits.ts';
import { action, type Call } from '../../call.ts';
import { exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';

type ListOptions = { function?: string };

export function circuitListCommand(): Command {
  return new Command('ls')
    .alias('list')
    .summary('list targets whose circuit is not closed')
    .description(
      'Lists the targets whose circuit is not closed, by function. Their deliveries wait in the log. A target that is not listed is tried.',
    )
    .option('--function <name>', 'only of this function')
    .addHelpText('after', examples)
    .action(action<ListOptions>(list));
}

const examples = `
Examples:
  sequent dest ls
  sequent dest ls --function orders
  sequent dest ls -o jsonl | jq -r .inWords`;

const columns: Column<UnclosedCircuit>[] = [
  { head: 'FUNCTION', cell: ({ function: name }) => name },
  { head: 'TARGET', cell: ({ target }) => target },
  { head: 'CIRCUIT', cell: ({ state }) => sayWord(state) },
  { head: 'UNTIL', cell: ({ state, openUntil }) => (state === 'open' ? new Date(openUntil).toISOString() : '') },
  { head: 'FAILURES', cell: ({ failures }) => String(failures), align: 'right' },
  { head: 'PROCESSES', cell: ({ processes }) => String(processes), align: 'right' },
  { head: 'LAST FAILURE', cell: ({ reason }) => reason },
];

async function list(call: Call<ListOptions>): Promise<typeof exitCodes.ok> {
  const { options, terminal } = call;
  return await withClient(options, async (client) => {
    const { instances } = await client.system();
    printList(call, {
      rows: unclosedCircuits(instances).filter(({ function: name }) => options.function === undefined || name === options.function),
      columns,
      name: ({ function: name, target }) => `${name} ${target}`,
      toJson: (circuit) => ({ ...circuit, inWords: describeCircuit(circuit) }),
      empty: say('no circuit is open'),
    });
    const omitted = countOmittedCircuits(instances);
    if (omitted > 0)
      terminal.err.line(
        sayCount(omitted, [
          '{count} more circuit not listed: a process names at most 200',
          '{count} more circuits not listed: a process names at most 200',
        ]),
      );
    return exitCodes.ok;
  });
}
