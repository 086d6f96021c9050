import { Command } from 'commander';
import { parseRate } from '#src/cli/arguments/rate.ts';
import { say } from '#src/cli/texts/say.ts';
import type { SequentClient } from '#src/client/client.ts';
import { findBatch } from '#src/client/invoke/batches.ts';
import type { InvocationSummary } from '#src/core/history-questions.ts';
import { newBatchId } from '#src/core/lines/batch-id.ts';
import { bulkTexts } from '../../bulk/bulk-texts.ts';
import { type BulkOptions, inBulk } from '../../bulk/in-bulk.ts';
import { resultOfRedrive } from '../../bulk/redrive-result.ts';
import { action, type Call } from '../../call.ts';
import type { ExitCode } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { addBatchArgument, type BatchOwnerOptions } from './in-words.ts';

type RedriveOptions = BatchOwnerOptions & BulkOptions;

export function redriveBatchCommand(): Command {
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
