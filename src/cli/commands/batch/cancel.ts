import { Command } from 'commander';
import { parseRate } from '#src/cli/arguments/rate.ts';
import { findBatch, recordCancellation } from '#src/client/batches.ts';
import { action, type Call } from '../../call.ts';
import type { BulkOptions } from '../../in-bulk.ts';
import type { ExitCode } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { cancelOpen } from '../cancel.ts';
import { addBatchArgument, type BatchOwnerOptions } from './in-words.ts';

type CancelOptions = BatchOwnerOptions & BulkOptions & { recursive?: true; reason?: string };

export function cancelBatchCommand(): Command {
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
