import { Command } from 'commander';
import { type Column, printList } from '#src/cli/print/output.ts';
import type { FunctionEntry, FunctionVersion } from '#src/core/functions/entry.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { action, type Call } from '../../call.ts';
import { exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { describeHandler } from './handler-in-words.ts';

export function versionsCommand(): Command {
  return new Command('versions')
    .summary('list the versions of a function')
    .description('Lists the versions of a function, newest first, and which aliases stand for them.')
    .argument('<function>', 'its name')
    .action(action(versions));
}

type Row = FunctionVersion & { aliases: string[] };

const columns: Column<Row>[] = [
  { head: 'VERSION', cell: ({ version }) => version },
  { head: 'PUBLISHED', cell: ({ publishedAt }) => (publishedAt === 0 ? '' : new Date(publishedAt).toISOString().slice(0, 19)) },
  { head: 'ALIASES', cell: ({ aliases }) => aliases.join(' ') },
  { head: 'TIMEOUT', cell: ({ definition }) => formatDuration(definition.timeoutInMs), align: 'right' },
  { head: 'RETRIES', cell: ({ definition }) => String(definition.policy.maxRetries), align: 'right' },
  { head: 'RUNS', cell: ({ definition }) => describeHandler(definition.handler) },
  { head: 'DESCRIPTION', cell: ({ description }) => description },
];

async function versions(call: Call): Promise<typeof exitCodes.ok> {
  return await withClient(call.options, async ({ functions }) => {
    printList(call, {
      rows: rowsOf(await functions.get(call.args[0] ?? '')),
      columns,
      name: ({ version }) => version,
      empty: '',
    });
    return exitCodes.ok;
  });
}

/** `latest` is the first of them. */
function rowsOf({ definition, versions: published, aliases }: FunctionEntry): Row[] {
  const latest: FunctionVersion = { version: 'latest', description: definition.description, publishedAt: 0, definition };
  return [latest, ...[...published].reverse()].map((one) => ({
    ...one,
    aliases: aliases
      .filter(({ version, weights }) => version === one.version || Object.hasOwn(weights, one.version))
      .map(({ name }) => `!${name}`),
  }));
}
