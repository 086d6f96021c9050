import { Command } from 'commander';
import { action, type Call } from '#src/cli/call.ts';
import { formatMoment } from '#src/cli/print/format.ts';
import { type Column, printList } from '#src/cli/print/output.ts';
import { limitsInWords } from '#src/cli/print/quota-in-words.ts';
import { exitCodes } from '#src/cli/problem.ts';
import { say, sayWord } from '#src/cli/texts/say.ts';
import type { SettingsOfProject } from '#src/core/encryption/change-project.ts';
import type { ProjectQuota, QuotaLimits } from '#src/core/quotas/project-quota.ts';
import { withKeyStores } from './stores.ts';

type ListedProject = SettingsOfProject & { quota: QuotaLimits | undefined };

export function listCommand(): Command {
  return new Command('ls')
    .alias('list')
    .summary('list the projects with settings')
    .description(
      'Lists the projects that have quotas, or whose payloads are or were encrypted. The payloads of all other projects are stored as they are.',
    )
    .action(action(list));
}

async function list(call: Call): Promise<typeof exitCodes.ok> {
  return await withKeyStores(call.options, async ({ functions, own }) => {
    const { listProjects } = await import('#src/core/encryption/change-project.ts');
    const { listQuotas } = await import('#src/core/quotas/change-quota.ts');
    const [encrypting, quotas] = await Promise.all([listProjects(functions), listQuotas(functions)]);
    const columns: Column<ListedProject>[] = [
      { head: 'PROJECT', cell: ({ project }) => project ?? own },
      { head: 'PAYLOADS', cell: ({ payloads }) => sayWord(payloads) },
      { head: 'DATA KEY', cell: ({ key }) => String(key), align: 'right' },
      { head: 'ENCRYPTED SINCE', cell: ({ since, key }) => (key === 0 ? '' : formatMoment(since)) },
      {
        head: 'ERASED',
        cell: ({ erasures }) => erasures.map(({ at, by }) => say('{time} by {by}', { time: formatMoment(at), by })).join(', '),
      },
      { head: 'QUOTAS', cell: ({ quota }) => (quota === undefined ? '' : limitsInWords(quota)) },
    ];
    printList(call, {
      rows: join(encrypting, quotas),
      columns,
      name: ({ project }) => project ?? own,
      toJson: ({ v: _, ...settings }) => ({ ...settings, project: settings.project ?? own }),
      empty: say('no project has quotas, or encrypts its payloads'),
    });
    return exitCodes.ok;
  });
}

const PLAIN = { v: 1, payloads: 'plain', key: 0, since: 0 } as const;

/** One row for each project that has settings or quotas. */
function join(
  encrypting: readonly SettingsOfProject[],
  quotas: readonly { project: string | undefined; quota: ProjectQuota }[],
): ListedProject[] {
  const limits = quotas.map(({ project, quota: { v: _, ...quota } }) => ({ project, quota }));
  const others = limits.filter(({ project }) => !encrypting.some((one) => one.project === project));
  return [
    ...encrypting.map((settings) => ({ ...settings, quota: limits.find(({ project }) => project === settings.project)?.quota })),
    ...others.map((other) => ({ ...PLAIN, erasures: [], ...other })),
  ];
}
