import { Command } from 'commander';
import { withDryRun } from '#src/cli/dry-run.ts';
import { type Column, printList } from '#src/cli/print/output.ts';
import { say, sayCount, sayWord } from '#src/cli/texts/say.ts';
import type { Policy } from '#src/core/functions/definition.ts';
import type { FunctionEntry } from '#src/core/functions/entry.ts';
import { whenInWords } from '#src/core/functions/when/when-in-words.ts';
import { countOmittedCircuits, describeCircuit, type UnclosedCircuit, unclosedCircuits } from '#src/core/unclosed-circuits.ts';
import { action, type Call } from '../../call.ts';
import { type ExitCode, exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { deadDismissCommand, deadListCommand, deadRedriveCommand, noteOption, printDestinations } from './dead-letters.ts';
import { deadShowCommand } from './dead-show.ts';

export function destinationsCommand(): Command {
  return new Command('dest')
    .alias('destinations')
    .description('The deliveries of outcomes to destinations.')
    .addCommand(circuitListCommand())
    .addCommand(graphCommand())
    .addCommand(giveUpCommand())
    .addCommand(
      new Command('dead')
        .summary('deliveries that were given up: ls, show, redrive, dismiss')
        .description('The deliveries that were given up. The log keeps them until they are redriven, dismissed or purged.')
        .addCommand(deadListCommand())
        .addCommand(deadShowCommand())
        .addCommand(deadRedriveCommand())
        .addCommand(deadDismissCommand()),
    );
}

type ListOptions = { function?: string };

function circuitListCommand(): Command {
  return new Command('ls')
    .alias('list')
    .summary('list targets whose circuit is not closed')
    .description(
      'Lists the targets whose circuit is not closed, by function. Their deliveries wait in the log. A target that is not listed is tried.',
    )
    .option('--function <name>', 'only of this function')
    .addHelpText('after', circuitExamples)
    .action(action<ListOptions>(listCircuits));
}

const circuitExamples = `
Examples:
  sequent dest ls
  sequent dest ls --function orders
  sequent dest ls -o jsonl | jq -r .inWords`;

const circuitColumns: Column<UnclosedCircuit>[] = [
  { head: 'FUNCTION', cell: ({ function: name }) => name },
  { head: 'TARGET', cell: ({ target }) => target },
  { head: 'CIRCUIT', cell: ({ state }) => sayWord(state) },
  { head: 'UNTIL', cell: ({ state, openUntil }) => (state === 'open' ? new Date(openUntil).toISOString() : '') },
  { head: 'FAILURES', cell: ({ failures }) => String(failures), align: 'right' },
  { head: 'PROCESSES', cell: ({ processes }) => String(processes), align: 'right' },
  { head: 'LAST FAILURE', cell: ({ reason }) => reason },
];

async function listCircuits(call: Call<ListOptions>): Promise<typeof exitCodes.ok> {
  const { options, terminal } = call;
  return await withClient(options, async (client) => {
    const { instances } = await client.system();
    printList(call, {
      rows: unclosedCircuits(instances).filter(({ function: name }) => options.function === undefined || name === options.function),
      columns: circuitColumns,
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

function graphCommand(): Command {
  return new Command('graph')
    .summary('list which outcome of which function goes where')
    .description(
      'Lists the destinations of all functions, with their versions and aliases, and the condition under which each gets the outcome.',
    )
    .argument('[function]', 'only the destinations of this function')
    .addHelpText('after', graphExamples)
    .action(action(listGraph));
}

const graphExamples = `
Examples:
  sequent dest graph
  sequent dest graph orders -o jsonl`;

type Edge = { from: string; on: 'success' | 'failure'; destination: string; param: string; when?: string };

const graphColumns: Column<Edge>[] = [
  { head: 'FUNCTION', cell: ({ from }) => from },
  { head: 'ON', cell: ({ on }) => sayWord(on) },
  { head: 'DESTINATION', cell: ({ destination }) => destination },
  { head: 'PARAM', cell: ({ param }) => param },
  { head: 'ONLY WHEN', cell: ({ when = '' }) => when },
];

async function listGraph(call: Call): Promise<typeof exitCodes.ok> {
  const [name] = call.args;
  return await withClient(call.options, async ({ functions }) => {
    const entries = name === undefined ? await functions.list() : [await functions.get(name)];
    printList(call, {
      rows: entries.flatMap(edgesOf),
      columns: graphColumns,
      name: ({ from, destination, param }) => `${from} ${destination} ${param}`,
      toJson: (edge) => edge,
      empty: say('no function has a destination'),
    });
    return exitCodes.ok;
  });
}

function edgesOf({ definition, versions, aliases }: FunctionEntry): Edge[] {
  const { name, policy } = definition;
  return [
    ...edgesIn(name, policy),
    ...versions.flatMap((one) => edgesIn(`${name}:${one.version}`, one.definition.policy)),
    ...aliases.flatMap((alias) => (alias.policy === undefined ? [] : edgesIn(`${name}:!${alias.name}`, alias.policy))),
  ];
}

function edgesIn(from: string, { onSuccess, onFailure }: Policy): Edge[] {
  const edges = (on: Edge['on'], list: Policy['onSuccess']): Edge[] =>
    list.map(({ destination, param, when }) => ({
      from,
      on,
      destination,
      param,
      ...(when === undefined ? {} : { when: whenInWords(when) }),
    }));
  return [...edges('success', onSuccess), ...edges('failure', onFailure)];
}

type GiveUpOptions = { function?: string; destination?: string; note: string; yes?: true };

function giveUpCommand(): Command {
  return withDryRun(new Command('give-up'))
    .summary('end deliveries that are still tried')
    .description(
      'Ends the open deliveries of an invocation, so that it is settled. The log keeps the note. A later redrive can still deliver the outcome.',
    )
    .argument('<id>', 'the request id')
    .option('--function <name>', 'its function, if several functions were invoked with one id')
    .option('--destination <id>', 'only to this destination, such as http-0, or to all of a kind, such as http')
    .addOption(noteOption())
    .addHelpText('after', giveUpExamples)
    .action(action<GiveUpOptions>(giveUp));
}

const giveUpExamples = `
Examples:
  sequent dest give-up order-4711 --note "the warehouse was told by phone"
  sequent dest give-up order-4711 --destination http-0 --note "the receiver was shut down"

A try in progress may still reach its target; its result is not recorded.
Exit codes: 0 given up, 3 no such invocation, 4 none of its deliveries is open.`;

async function giveUp(call: Call<GiveUpOptions>): Promise<ExitCode> {
  const { args, options } = call;
  const id = args[0] ?? '';
  return await withClient(options, async ({ repair }) => {
    const { function: name, destination, note } = options;
    const destinations = await repair.giveUp(id, { function: name, destination, note });
    printDestinations(call, {
      id,
      past: 'givenUp',
      describe: (destination) => say('the delivery to {destination} is given up', { destination }),
      destinations,
    });
    return exitCodes.ok;
  });
}
