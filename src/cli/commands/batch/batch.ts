import { once } from 'node:events';
import { Command } from 'commander';
import { parseWhole } from '#src/cli/arguments/durations.ts';
import { parseRate } from '#src/cli/arguments/rate.ts';
import { withDryRun } from '#src/cli/dry-run.ts';
import { formatMoment } from '#src/cli/print/format.ts';
import { type Column, factLines, printList, printOne } from '#src/cli/print/output.ts';
import { plain, type Terminal } from '#src/cli/print/terminal.ts';
import { say, sayCount, sayWord } from '#src/cli/texts/say.ts';
import type { SequentClient } from '#src/client/client.ts';
import { type FoundBatch, findBatch, openMembersOf, readMembers, recordCancellation } from '#src/client/invoke/batches.ts';
import type { BatchSummary } from '#src/core/batch-questions.ts';
import type { InvocationDetail, InvocationSummary } from '#src/core/history-questions.ts';
import { newBatchId } from '#src/core/lines/batch-id.ts';
import { bulkTexts } from '../../bulk/bulk-texts.ts';
import { type BulkOptions, inBulk } from '../../bulk/in-bulk.ts';
import { resultOfRedrive } from '../../bulk/redrive-result.ts';
import { action, type Call } from '../../call.ts';
import { askFresh } from '../../history/ask-fresh.ts';
import type { Host } from '../../host.ts';
import { type ExitCode, exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { addWatch, type WatchOptions, watching } from '../../watch.ts';
import { cancelOpen } from '../repair/cancel.ts';
import { addBatchArgument, type BatchOwnerOptions, canChange, countsOf, progressOf, stateInWords } from './in-words.ts';

export function batchCommand(): Command {
  return new Command('batch')
    .alias('batches')
    .description('A batch is the lines of one input, invoked together by sequent invoke --batch, or over HTTP. Each line is a member.')
    .addCommand(listCommand())
    .addCommand(getCommand())
    .addCommand(resultsCommand())
    .addCommand(sealCommand())
    .addCommand(cancelBatchCommand())
    .addCommand(redriveBatchCommand());
}

type ListOptions = { limit: number; cursor?: string };

function listCommand(): Command {
  return new Command('ls')
    .alias('list')
    .summary('list the batches')
    .description('Lists the batches with the counts of their members, the greatest id first.')
    .argument('[function]', 'only of this function')
    .option('-n, --limit <count>', 'the maximum number of rows', parseWhole(1, 100), 20)
    .option('--cursor <cursor>', 'continue after an earlier list')
    .action(action<ListOptions>(list));
}

const columns: Column<BatchSummary>[] = [
  { head: 'ID', cell: ({ id }) => id },
  { head: 'FUNCTION', cell: ({ function: name }) => name },
  { head: 'STATE', cell: ({ state }) => sayWord(state) },
  { head: 'STARTED', cell: ({ openedAt, firstAt }) => formatMoment(openedAt ?? firstAt ?? 0) },
  { head: 'PROGRESS', cell: progressOf },
  {
    head: 'MEMBERS',
    cell: (batch) =>
      countsOf(batch)
        .map(([state, count]) => say('{count} {state}', { count, state }))
        .join(', '),
  },
];

async function list(call: Call<ListOptions>): Promise<typeof exitCodes.ok> {
  return await withClient(call.options, (client) => printBatches(call, client));
}

/** Prints a page of batches. */
export async function printBatches(call: Call<ListOptions>, client: SequentClient): Promise<typeof exitCodes.ok> {
  const { options, args } = call;
  const [name] = args;
  const given = { ...(name === undefined ? {} : { function: name }), ...(options.cursor === undefined ? {} : { cursor: options.cursor }) };
  const { batches, cursor } = await askFresh(client, call, (freshness) =>
    client.history.batches({ ...given, limit: options.limit }, freshness),
  );
  printList(call, {
    rows: batches,
    columns,
    name: ({ id }) => id,
    empty: say('no batch matches; try: sequent invoke <function> --batch <file>'),
  });
  const { err } = call.terminal;
  if (cursor !== null) err.line(err.paint.dim(plain(say('there are more: --cursor {cursor}', { cursor }))));
  return exitCodes.ok;
}

type GetOptions = BatchOwnerOptions & WatchOptions;

function getCommand(): Command {
  const command = new Command('get').summary('show a batch and the counts of its members');
  return addWatch(addBatchArgument(command.description('Shows how many members of a batch are in each state.')))
    .addHelpText('after', '\nWith --watch, the command ends when the batch is over and its destinations are told.')
    .action(action<GetOptions>(get));
}

async function get(call: Call<GetOptions>): Promise<typeof exitCodes.ok> {
  const { options, args } = call;
  await withClient(options, async (client) => {
    await watching(call, async (shown) => {
      const atLeast = await client.lastSequence();
      const found = await findBatch(client.history, { id: args[0] ?? '', function: options.function }, { atLeast });
      printOne(shown, { value: found, name: found.id, lines: () => describe(found, call) });
      return canChange(found);
    });
  });
  return exitCodes.ok;
}

function describe(found: FoundBatch, { terminal: { out } }: Call): string[] {
  const { id, function: name, openedAs, firstAt, lastAt, sequence } = found;
  const facts: [string, string][] = [
    [say('function'), name],
    [say('state'), stateInWords(found)],
    ...(openedAs === null ? [] : [[say('request'), openedAs] as [string, string]]),
    ...(firstAt === null || lastAt === null
      ? []
      : [[say('accepted'), say('{from} to {to}', { from: formatMoment(firstAt), to: formatMoment(lastAt) })] as [string, string]]),
    [say('members'), progressOf(found)],
    ...countsOf(found).map(([label, count]): [string, string] => [label, String(count)]),
    [say('as of'), say('message {sequence} of the log', { sequence })],
  ];
  return [out.paint.bold(plain(id)), ...factLines(facts, out)];
}

function resultsCommand(): Command {
  return addBatchArgument(
    new Command('results')
      .summary('print the results of a batch as JSON Lines')
      .description('Prints a line of JSON for each member of a batch, in the order of their acceptance: its status and its response.'),
  )
    .addHelpText('after', '\nExit codes: 0 all members succeeded, 1 a member failed or is open, 3 no such batch.')
    .action(action<BatchOwnerOptions>(results));
}

async function results({ options, args, terminal }: Call<BatchOwnerOptions>): Promise<ExitCode> {
  return await withClient(options, async (client) => {
    const atLeast = await client.lastSequence();
    const found = await findBatch(client.history, { id: args[0] ?? '', function: options.function }, { atLeast });
    for await (const members of readMembers(client.history, found)) await print(members, terminal, options.host);
    const open = openMembersOf(found);
    if (open > 0) terminal.err.line(sayCount(open, ['{count} member had no outcome yet', '{count} members had no outcome yet']));
    return (found.byStatus.SUCCESS ?? 0) === found.members ? exitCodes.ok : exitCodes.failed;
  });
}

/** Prints a line for each member. A slow reader of stdout delays the next members. */
async function print(members: readonly InvocationDetail[], { out }: Terminal, { stdout }: Host): Promise<void> {
  for (const { id, state, status, condition, response } of members)
    out.line(JSON.stringify({ requestId: id, state, status, condition, response }));
  if (stdout.writableNeedDrain) await once(stdout, 'drain');
}

type CancelOptions = BatchOwnerOptions & BulkOptions & { recursive?: true; reason?: string };

function cancelBatchCommand(): Command {
  return addBatchArgument(
    new Command('cancel')
      .summary('cancel the open members of a batch')
      .description('Cancels the members of a batch that have no outcome. Members that are over stay as they are.'),
  )
    .option('--recursive', 'also the open invocations that its destinations started')
    .option('--reason <text>', 'the reason that its timeline shows')
    .option('--dry-run', 'only list the invocations')
    .option('--rate <rate>', 'the maximum rate: 50/s, 100/m', parseRate)
    .option('-y, --yes', 'do not ask for a confirmation')
    .action(action<CancelOptions>(cancel));
}

async function cancel(call: Call<CancelOptions>): Promise<ExitCode> {
  const { options, args } = call;
  return await withClient(options, async (client) => {
    const named = { id: args[0] ?? '', function: options.function };
    const found = await findBatch(client.history, named, { atLeast: await client.lastSequence() });
    if (!options.dryRun) await recordCancellation(client.batches, found);
    return await cancelOpen({ ...call, options: { ...options, batch: found.id, function: found.function } }, client);
  });
}

function sealCommand(): Command {
  return addBatchArgument(
    withDryRun(new Command('seal'))
      .summary('end the input of a batch whose sender is gone')
      .description('Seals an open batch: no further member is awaited, and its destinations are told once its members are over.'),
  ).action(action<BatchOwnerOptions>(seal));
}

async function seal({ options, args, terminal }: Call<BatchOwnerOptions>): Promise<typeof exitCodes.ok> {
  return await withClient(options, async (client) => {
    const named = { id: args[0] ?? '', function: options.function };
    const { id, function: fn } = await findBatch(client.history, named, { atLeast: await client.lastSequence() });
    const isSealed = await client.batches.seal({ function: fn, id }, 'person');
    terminal.out.line(isSealed ? say('batch {id} is sealed', { id }) : say('batch {id} was sealed before', { id }));
    return exitCodes.ok;
  });
}

type RedriveOptions = BatchOwnerOptions & BulkOptions;

function redriveBatchCommand(): Command {
  return addBatchArgument(
    new Command('redrive')
      .summary('run the failed members of a batch again, as a new batch')
      .description(
        'Runs the failed members of a batch again, as the members of a new batch. Members that were redriven before are left out.',
      ),
  )
    .option('--dry-run', 'only list the invocations')
    .option('--rate <rate>', 'the maximum rate: 50/s, 100/m', parseRate)
    .option('-y, --yes', 'do not ask for a confirmation')
    .action(action<RedriveOptions>(redrive));
}

async function redrive(call: Call<RedriveOptions>): Promise<ExitCode> {
  const { options, args } = call;
  return await withClient(options, async (client) => {
    const atLeast = await client.lastSequence();
    const found = await findBatch(client.history, { id: args[0] ?? '', function: options.function }, { atLeast });
    const filter = { batch: found.id, function: found.function, status: ['FAIL' as const, 'DISCARD' as const] };
    const items: InvocationSummary[] = [];
    for await (const one of client.history.all({ ...filter, order: 'oldest', limit: 500 }, { atLeast }))
      if (!(await isRedriven(client, one))) items.push(one);
    const batch = { function: found.function, id: newBatchId(client.clock.now()) };
    if (items.length === 0 || options.dryRun) return await redriveAll(call, client, { items, filter, batch: batch.id });
    const request = await client.batches.open({ ...batch, redriveOf: found.id });
    try {
      return await redriveAll(call, client, { items, filter, batch: batch.id, request });
    } finally {
      // After an error too: an open batch waits for further members until it is a day old.
      await client.batches.seal({ ...batch, request });
      call.terminal.err.line(say('batch {batch}; its counts: sequent batch get {batch}', { batch: batch.id }));
    }
  });
}

/** `request`: the sequence of the request that opened the batch. */
type Redriven = { items: InvocationSummary[]; filter: object; batch: string; request?: number };

async function redriveAll(
  call: Call<RedriveOptions>,
  client: SequentClient,
  { items, filter, batch, request }: Redriven,
): Promise<ExitCode> {
  return await inBulk<InvocationSummary>(call, {
    items,
    texts: bulkTexts.runAgain,
    nameOf: ({ id }) => id,
    toJson: ({ id, function: fn, condition }) => ({ requestId: id, function: fn, condition }),
    record: async (total) => {
      const { recordBulk } = await import('../../bulk/recorded-bulk.ts');
      return await recordBulk(client, { action: 'redrive', filter: { ...filter }, batch, batchRequest: request, total });
    },
    subjectOf: ({ id, function: fn }) => ({ id, function: fn }),
    perform: async ({ id, function: fn }) => resultOfRedrive(await client.repair.redriveOnce(id, { function: fn, batch }), { batch }),
  });
}

async function isRedriven({ timeline }: Pick<SequentClient, 'timeline'>, { id, function: fn }: InvocationSummary): Promise<boolean> {
  return (await timeline(id, { function: fn })).transitions.some(({ fact }) => fact.type === 'redriven');
}
