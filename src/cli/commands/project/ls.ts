import { Command } from 'commander';
import { action, type Call } from '#src/cli/call.ts';
import { formatMoment } from '#src/cli/print/format.ts';
import { type Column, printList } from '#src/cli/print/output.ts';
import { exitCodes } from '#src/cli/problem.ts';
import type { SettingsOfProject } from '#src/core/encryption/change-project.ts';
import { withKeyStores } from './stores.ts';

export function listCommand(): Command {
  return new Command('ls')
    .alias('list')
    .summary('list the projects with settings')
    .description('Lists the projects whose payloads are or were encrypted. The payloads of all other projects are stored as they are.')
    .action(action(list));
}

async function list(call: Call): Promise<typeof exitCodes.ok> {
  return await withKeyStores(call.options, async ({ functions, own }) => {
    const { listProjects } = await import('#src/core/encryption/change-project.ts');
    const columns: Column<SettingsOfProject>[] = [
      { head: 'PROJECT', cell: ({ project }) => project ?? own },
      { head: 'PAYLOADS', cell: ({ payloads }) => payloads },
      { head: 'DATA KEY', cell: ({ key }) => String(key), align: 'right' },
      { head: 'ENCRYPTED SINCE', cell: ({ since, key }) => (key === 0 ? '' : formatMoment(since)) },
      { head: 'ERASED', cell: ({ erasures }) => erasures.map(({ at, by }) => `${formatMoment(at)} by ${by}`).join(', ') },
    ];
    printList(call, {
      rows: await listProjects(functions),
      columns,
      name: ({ project }) => project ?? own,
      toJson: ({ v: _, ...settings }) => ({ ...settings, project: settings.project ?? own }),
      empty: 'no project encrypts its payloads',
    });
    return exitCodes.ok;
  });
}
