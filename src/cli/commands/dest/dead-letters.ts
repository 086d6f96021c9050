import { Command, InvalidArgumentError, Option } from 'commander';
import { parsePointInTime } from '#src/cli/arguments/moment.ts';
import { parseRate } from '#src/cli/arguments/rate.ts';
import { type Column, printList } from '#src/cli/print/output.ts';
import { type Head, say } from '#src/cli/texts/say.ts';
import type { DeadLetter, RepairFilter, SequentClient } from '#src/client/client.ts';
import { type BulkTexts, bulkTexts } from '../../bulk/bulk-texts.ts';
import { type BulkOptions, inBulk } from '../../bulk/in-bulk.ts';
import { action, type Call } from '../../call.ts';
import { type ExitCode, exitCodes, usageProblem } from '../../problem.ts';
import { withClient } from '../../session.ts';

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
    .addHelpText('after', listExamples)
    .action(action<ListOptions>(list));
}

const listExamples = `
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

export function deadRedriveCommand(): Command {
  return withDeadLetterFilters(
    new Command('redrive')
      .summary('deliver again')
      .description('Redrives deliveries that were given up: those of one invocation, or all that match. The function does not run again.')
      .argument('[id]', 'the request id'),
  )
    .option('--all', 'all dead deliveries')
    .option('--dry-run', 'only list the deliveries')
    .option('--rate <rate>', 'the maximum rate: 50/s, 100/m', parseRate)
    .option('-y, --yes', 'do not ask for a confirmation')
    .addHelpText('after', redriveExamples)
    .action(action<DeadLetterOptions>(redrive));
}

const redriveExamples = `
Examples:
  sequent dest dead redrive 0193f0c2-7b1e-8a44-9c1b-2f6f5a1e0000
  sequent dest dead redrive --function orders --destination http-0 --since 2h --dry-run
  sequent dest dead redrive --function orders --rate 50/s --yes

Exit codes: 0 all, 1 not all, 2 no selection, 3 no such invocation, 4 none of its deliveries is dead.`;

async function redrive(call: Call<DeadLetterOptions>): Promise<ExitCode> {
  return await onDeadLetters(call, {
    texts: bulkTexts.redrive,
    past: 'redriven',
    note: () => say('is redriven'),
    describe: (destination) => say('{destination} is redriven', { destination }),
    perform: (repair, { id, destination, ...of }) => repair.redeliver(id, destination, of),
  });
}

type DismissOptions = Omit<DeadLetterOptions, 'rate'> & { note: string };

export function deadDismissCommand(): Command {
  return withDeadLetterFilters(
    new Command('dismiss')
      .summary('dismiss dead deliveries, with a note')
      .description(
        'Dismisses deliveries that were given up: those of one invocation, or all that match. They are no dead letters any more; the log keeps the note, and a redrive still works.',
      )
      .argument('[id]', 'the request id'),
  )
    .option('--all', 'all dead deliveries')
    .addOption(noteOption())
    .option('--dry-run', 'only list the deliveries')
    .option('-y, --yes', 'do not ask for a confirmation')
    .addHelpText('after', dismissExamples)
    .action(action<DismissOptions>(dismiss));
}

const dismissExamples = `
Examples:
  sequent dest dead dismiss order-4711 --note "refunded by hand"
  sequent dest dead dismiss --function orders --since 2h --note "the receiver lost a day" --dry-run

Exit codes: 0 all, 1 not all, 2 no selection, 3 no such invocation, 4 none of its deliveries is dead.`;

async function dismiss(call: Call<DismissOptions>): Promise<ExitCode> {
  const { note } = call.options;
  return await onDeadLetters(call, {
    texts: bulkTexts.dismiss,
    past: 'dismissed',
    note: () => say('is dismissed'),
    describe: (destination) => say('the delivery to {destination} is dismissed', { destination }),
    perform: (repair, { id, ...which }) => repair.dismiss(id, { ...which, note }),
  });
}

type DeadLetterOptions = DeadLetterFilters & BulkOptions & { all?: true };

type Change = {
  texts: BulkTexts;
  /** `redriven` or `dismissed`: the name in JSON. */
  past: string;
  /** The words behind the name of a delivery that was changed. */
  note: () => string;
  /** The line about one destination of the named invocation. */
  describe(destination: string): string;
  /** Changes the dead deliveries of an invocation, and returns their destinations. */
  perform(repair: SequentClient['repair'], which: { id: string; function?: string; destination?: string }): Promise<readonly string[]>;
};

/** Changes the dead deliveries of the named invocation, or all dead deliveries that match the filters of the command. */
async function onDeadLetters(call: Call<DeadLetterOptions>, change: Change): Promise<ExitCode> {
  const { args, options } = call;
  const [id] = args;
  const { texts, past } = change;
  checkSelection(call, past);
  return await withClient(options, async ({ repair }) => {
    if (id !== undefined && !options.dryRun) return await onOne(call, change, { repair, id });
    const dead = (await repair.deadLetters(filterOf(options))).filter(({ requestId }) => id === undefined || requestId === id);
    return await inBulk<DeadLetter>(call, {
      items: dead,
      texts,
      nameOf: ({ requestId, destination }) => `${requestId} ${destination}`,
      toJson: ({ requestId, destination, function: name }) => ({ requestId, destination, function: name }),
      perform: async ({ requestId, destination, function: name }) => {
        await change.perform(repair, { id: requestId, function: name, destination });
        return { note: change.note(), json: { [past]: true } };
      },
    });
  });
}

type One = Pick<SequentClient, 'repair'> & { id: string };

async function onOne(call: Call<DeadLetterOptions>, { past, describe, perform }: Change, { repair, id }: One): Promise<ExitCode> {
  const { function: name, destination } = call.options;
  const which = { id, ...(name === undefined ? {} : { function: name }), ...(destination === undefined ? {} : { destination }) };
  printDestinations(call, { id, past, describe, destinations: await perform(repair, which) });
  return exitCodes.ok;
}

type Printed = Pick<Change, 'past' | 'describe'> & { id: string; destinations: readonly string[] };

/** Prints the destinations of an invocation whose deliveries a command changed. `past` is the name of the list in JSON. */
export function printDestinations(
  { terminal, format }: Pick<Call, 'terminal' | 'format'>,
  { id, past, describe, destinations }: Printed,
): void {
  if (format === 'json' || format === 'jsonl') terminal.out.line(JSON.stringify({ requestId: id, [past]: destinations }));
  else for (const one of destinations) terminal.out.line(format === 'name' ? one : describe(one));
}

type DeadLetterFilters = { function?: string; destination?: string; reason?: string; since?: number };

function withDeadLetterFilters(command: Command): Command {
  return command
    .option('--function <name>', 'only of this function')
    .option('--destination <id>', 'only to this destination, such as http-0, or to all of a kind, such as http')
    .option('--reason <text>', 'only with this text in the reason')
    .option('--since <when>', 'only given up since then: 30m, 2h, 30d ago, or 2026-01-31T12:00:00Z', parsePointInTime);
}

function filterOf({ function: name, destination, reason, since }: DeadLetterFilters): RepairFilter {
  return { function: name, destination, reason, since };
}

/** The note of a person who settles deliveries. */
export function noteOption(): Option {
  return new Option('-m, --note <text>', 'why; the log keeps the note').makeOptionMandatory();
}

/** Refuses a bulk command without a selection, so that no slip changes all deliveries. */
function checkSelection({ args, options }: Call<DeadLetterFilters & { all?: true }>, past: string): void {
  if (args[0] !== undefined || options.all || isFiltered(options)) return;
  const remedy = 'a request id, --function, --destination, --reason, --since, or --all';
  throw usageProblem(`no delivery was ${past}`, 'the command needs a selection', remedy);
}

function isFiltered({ function: name, destination, reason, since }: DeadLetterFilters): boolean {
  return [name, destination, reason, since].some((value) => value !== undefined);
}
