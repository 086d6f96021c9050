import { Command, InvalidArgumentError, Option } from 'commander';
import { type Column, printList } from '#src/cli/print/output.ts';
import { type Head, say } from '#src/cli/texts/say.ts';
import type { DeadLetter } from '#src/client/client.ts';
import { action, type Call } from '../../call.ts';
import { exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { type DeadLetterFilters, filterOf, withDeadLetterFilters } from './filters.ts';

export function deadListCommand(): Command {
  return withDeadLetterFilters(
    new Command('ls')
      .alias('list')
      .summary('list dead deliveries')
      .description('Lists the deliveries that were given up, the oldest first.'),
  )
    .addOption(
      new Option('--by <fields>', 'only their counts, by function, destination and reason, several between commas').argParser(parseFields),
    )
    .addHelpText('after', examples)
    .action(action<ListOptions>(list));
}

const examples = `
Examples:
  sequent dest dead ls
  sequent dest dead ls --function orders --since 2h
  sequent dest dead ls --by reason
  sequent dest dead ls --by function,destination --since 1d`;

const fields = ['function', 'destination', 'reason'] as const;
type Field = (typeof fields)[number];
type ListOptions = DeadLetterFilters & { by?: readonly Field[] };
/** The letters that have the same values in the fields of `--by`. */
type Group = Partial<Pick<DeadLetter, Field>> & { count: number };

function parseFields(text: string): Field[] {
  return text.split(',').map((given) => {
    const known = fields.find((field) => field === given.trim());
    if (known === undefined) throw new InvalidArgumentError(`must be of ${fields.join(', ')}`);
    return known;
  });
}

const columns: Column<DeadLetter>[] = [
  { head: 'REQUEST', cell: ({ requestId }) => requestId },
  { head: 'FUNCTION', cell: ({ function: name }) => name },
  { head: 'DESTINATION', cell: ({ destination }) => destination },
  { head: 'TRIES', cell: ({ tries }) => String(tries), align: 'right' },
  { head: 'GIVEN UP', cell: ({ at }) => new Date(at).toISOString() },
  { head: 'REASON', cell: ({ reason }) => reason },
];

function groupsOf(letters: readonly DeadLetter[], by: readonly Field[]): Group[] {
  const groups = new Map<string, Group>();
  for (const letter of letters) {
    const common = Object.fromEntries(by.map((field) => [field, letter[field]]));
    const key = JSON.stringify(common);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { count: 1, ...common });
    else known.count++;
  }
  return [...groups.values()].sort((one, other) => other.count - one.count);
}

function printGroups(call: Call<ListOptions>, letters: readonly DeadLetter[], by: readonly Field[]): void {
  const columnOf = (field: Field): Column<Group> => ({ head: headOf[field], cell: (group) => group[field] ?? '' });
  printList(call, {
    rows: groupsOf(letters, by),
    columns: [{ head: 'COUNT', cell: ({ count }) => String(count), align: 'right' }, ...by.map(columnOf)],
    name: (group) => by.map((field) => group[field] ?? '').join(' '),
    empty: say('no delivery was given up'),
  });
}

const headOf = { function: 'FUNCTION', destination: 'DESTINATION', reason: 'REASON' } as const satisfies Record<Field, Head>;

async function list(call: Call<ListOptions>): Promise<typeof exitCodes.ok> {
  const { by } = call.options;
  return await withClient(call.options, async ({ repair }) => {
    const rows = await repair.deadLetters(filterOf(call.options));
    if (by !== undefined) {
      printGroups(call, rows, by);
      return exitCodes.ok;
    }
    printList(call, {
      rows,
      columns,
      name: ({ requestId }) => requestId,
      empty: say('no delivery was given up'),
    });
    return exitCodes.ok;
  });
}
