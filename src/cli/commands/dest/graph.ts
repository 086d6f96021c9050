import { Command } from 'commander';
import { type Column, printList } from '#src/cli/print/output.ts';
import { say, sayWord } from '#src/cli/texts/say.ts';
import type { Policy } from '#src/core/functions/definition.ts';
import type { FunctionEntry } from '#src/core/functions/entry.ts';
import { whenInWords } from '#src/core/functions/when-in-words.ts';
import { action, type Call } from '../../call.ts';
import { exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';

export function graphCommand(): Command {
  return new Command('graph')
    .summary('list which outcome of which function goes where')
    .description(
      'Lists the destinations of all functions, with their versions and aliases, and the condition under which each gets the outcome.',
    )
    .argument('[function]', 'only the destinations of this function')
    .addHelpText('after', examples)
    .action(action(list));
}

const examples = `
Examples:
  sequent dest graph
  sequent dest graph orders -o jsonl`;

type Edge = { from: string; on: 'success' | 'failure'; destination: string; param: string; when?: string };

const columns: Column<Edge>[] = [
  { head: 'FUNCTION', cell: ({ from }) => from },
  { head: 'ON', cell: ({ on }) => sayWord(on) },
  { head: 'DESTINATION', cell: ({ destination }) => destination },
  { head: 'PARAM', cell: ({ param }) => param },
  { head: 'ONLY WHEN', cell: ({ when = '' }) => when },
];

async function list(call: Call): Promise<typeof exitCodes.ok> {
  const [name] = call.args;
  return await withClient(call.options, async ({ functions }) => {
    const entries = name === undefined ? await functions.list() : [await functions.get(name)];
    printList(call, {
      rows: entries.flatMap(edgesOf),
      columns,
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
