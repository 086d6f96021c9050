import { once } from 'node:events';
import { Command } from 'commander';
import type { Terminal } from '#src/cli/print/terminal.ts';
import { sayCount } from '#src/cli/texts/say.ts';
import { findBatch, openMembersOf, readMembers } from '#src/client/batches.ts';
import type { InvocationDetail } from '#src/core/history-questions.ts';
import { action, type Call } from '../../call.ts';
import type { Host } from '../../host.ts';
import { type ExitCode, exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { addBatchArgument, type BatchOwnerOptions } from './in-words.ts';

export function resultsCommand(): Command {
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
