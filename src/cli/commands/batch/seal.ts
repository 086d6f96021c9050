import { Command } from 'commander';
import { withDryRun } from '#src/cli/dry-run.ts';
import { say } from '#src/cli/texts/say.ts';
import { findBatch } from '#src/client/batches.ts';
import { action, type Call } from '../../call.ts';
import { exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { addBatchArgument, type BatchOwnerOptions } from './in-words.ts';

export function sealCommand(): Command {
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
