import { Command } from 'commander';
import { type Column, printList } from '#src/cli/print/output.ts';
import { say } from '#src/cli/texts/say.ts';
import type { RegisteredFunction } from '#src/core/functions/definition.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { action, type Call } from '../../call.ts';
import { exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { describeHandler } from './handler-in-words.ts';

export function listCommand(): Command {
  return new Command('ls').alias('list').summary('list the functions').description('Lists the functions.').action(action(list));
}

const columns: Column<RegisteredFunction>[] = [
  { head: 'NAME', cell: ({ definition }) => definition.name },
  { head: 'KIND', cell: ({ definition }) => definition.handler.kind },
  { head: 'TIMEOUT', cell: ({ definition }) => formatDuration(definition.timeoutInMs), align: 'right' },
  { head: 'RETRIES', cell: ({ definition }) => String(definition.policy.maxRetries), align: 'right' },
  { head: 'AT ONCE', cell: ({ definition }) => String(definition.concurrency), align: 'right' },
  { head: 'REVISION', cell: ({ revision }) => String(revision), align: 'right' },
  { head: 'RUNS', cell: ({ definition }) => describeHandler(definition.handler) },
  { head: 'DESCRIPTION', cell: ({ definition }) => definition.description },
];

async function list(call: Call): Promise<typeof exitCodes.ok> {
  return await withClient(call.options, async ({ functions }) => {
    printList(call, {
      rows: await functions.list(),
      columns,
      name: ({ definition }) => definition.name,
      toJson: ({ definition, revision }) => ({ ...definition, revision }),
      empty: say('no function is defined yet; try: sequent fn put hello --file ./hello.mjs'),
    });
    return exitCodes.ok;
  });
}
