import { Command } from 'commander';
import { parseDecimal, parseWhole } from '#src/cli/arguments/durations.ts';
import { parseProject } from '#src/cli/arguments/project.ts';
import { parseSize } from '#src/cli/arguments/size.ts';
import { action, type Call } from '#src/cli/call.ts';
import { withDryRun } from '#src/cli/dry-run.ts';
import { formatMoment } from '#src/cli/print/format.ts';
import { type Column, printList, printOne } from '#src/cli/print/output.ts';
import { limitsInWords } from '#src/cli/print/quota-in-words.ts';
import { exitCodes } from '#src/cli/problem.ts';
import { say, sayWord } from '#src/cli/texts/say.ts';
import type { SettingsOfProject } from '#src/core/encryption/change-project.ts';
import type { ProjectQuota, QuotaLimits } from '#src/core/quotas/project-quota.ts';
import { eraseCommand } from './erase.ts';
import { projectIn, readGivenKeys, withKeyOptions, withKeyStores } from './stores.ts';

export function projectCommand(): Command {
  return new Command('project')
    .description('The quotas of a project, the encryption of its payloads, and the erasure of a project by its key.')
    .addCommand(listCommand())
    .addCommand(quotaCommand())
    .addCommand(encryptCommand())
    .addCommand(eraseCommand());
}

type ListedProject = SettingsOfProject & { quota: QuotaLimits | undefined };

function listCommand(): Command {
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

type QuotaOptions = {
  open?: number;
  rate?: number;
  burst?: number;
  stored?: number;
  functions?: number;
  schedules?: number;
  definitions?: number;
  code?: number;
  memory?: number;
  processors?: number;
  weight?: number;
  clear?: true;
};

function quotaCommand(): Command {
  return withDryRun(new Command('quota'))
    .summary('set or show the quotas of a project')
    .description(
      'Sets how much a project may send over HTTP: its open invocations, the requests per second that all gateways together accept, and what the log holds for it; and how much it may define. A request beyond a quota is refused before it is accepted (429), and a definition before it is stored (403). Without an option, the command shows the quotas.',
    )
    .argument('<project>', 'the project', parseProject)
    .option('--open <count>', 'how many invocations may be open: accepted, and not notified', parseWhole(0, 10_000_000))
    .option('--rate <count>', 'how many requests are accepted per second', parseWhole(1, 1_000_000))
    .option('--burst <count>', 'how many requests are accepted at once after a pause (default: the rate)', parseWhole(1, 1_000_000))
    .option(
      '--stored <size>',
      'how much the log may hold for the project, with its large payloads (default: 10GB, none for the own project)',
      parseSize,
    )
    .option('--functions <count>', 'how many functions the project may define (default: 400)', parseWhole(0, 10_000_000))
    .option('--schedules <count>', 'how many schedules the project may define (default: 400)', parseWhole(0, 10_000_000))
    .option(
      '--definitions <size>',
      'how large its functions, versions, schedules and test events may be together (default: 16MB)',
      parseSize,
    )
    .option('--code <size>', 'how large its code packages may be together (default: 10GB)', parseSize)
    .option(
      '--memory <size>',
      "how much memory its function processes may have together in one worker (default: half of the machine's)",
      parseSize,
    )
    .option(
      '--processors <number>',
      "how many processors its function processes may use together in one worker, such as 1.5 (default: half of the machine's)",
      parseDecimal(0.05, 1_024),
    )
    .option('--weight <count>', 'how large the share of the project in the slots of a worker is (default: 1)', parseWhole(1, 1_000))
    .option('--clear', 'remove the quotas that no option of this command sets')
    .addHelpText('after', quotaExamples)
    .action(action<QuotaOptions>(quota));
}

const quotaExamples = `
Examples:
  sequent project quota shop --open 10000 --rate 100 --burst 500 --stored 5GB
  sequent project quota shop --weight 3
  sequent project quota shop
  sequent project quota shop --clear

A quota takes effect at once, on all gateways. Clients that publish to NATS themselves have the limits of their NATS account.`;

async function quota(call: Call<QuotaOptions>): Promise<typeof exitCodes.ok> {
  const { options, args } = call;
  const [name = ''] = args;
  return await withKeyStores(options, async (stores) => {
    const { changeQuota, listQuotas } = await import('#src/core/quotas/change-quota.ts');
    const project = await projectIn(name, stores);
    const { clear, ...given } = limitsIn(options);
    const isChange = clear || Object.keys(given).length > 0;
    const limits = isChange
      ? await changeQuota(stores.functions, project, (present) => ({ ...(clear ? {} : present), ...given }))
      : ((await listQuotas(stores.functions)).find((one) => one.project === project)?.quota ?? {});
    printOne(call, {
      value: { project: name, ...limits },
      name,
      lines: () => [say('project {name}: {limits}', { name, limits: limitsInWords(limits) })],
    });
    return exitCodes.ok;
  });
}

function limitsIn({
  stored: storedBytes,
  definitions: definitionBytes,
  code: codeBytes,
  memory: memoryBytes,
  clear,
  ...options
}: QuotaOptions): QuotaLimits & {
  clear: boolean;
} {
  const { open, rate, burst, functions, schedules, processors, weight } = options;
  const amounts = { open, rate, burst, storedBytes, functions, schedules, definitionBytes, codeBytes, memoryBytes, processors, weight };
  const given = Object.entries(amounts).filter(([, value]) => value !== undefined);
  return { ...(Object.fromEntries(given) as QuotaLimits), clear: clear === true };
}

type EncryptOptions = { stop?: true };

function encryptCommand(): Command {
  return withKeyOptions(
    withDryRun(new Command('encrypt'))
      .summary('encrypt the payloads of a project from now on')
      .description(
        'Encrypts request payloads, results, errors and output of the functions of a project from now on, in the log, the results, the read models and the archive. Start the gateway, the workers and the destinations role with the same keys first.',
      )
      .argument('<project>', 'the project', parseProject)
      .option('--stop', 'encrypt no further payload; encrypted payloads stay encrypted and readable'),
  )
    .addHelpText('after', encryptExamples)
    .action(action<EncryptOptions>(encrypt));
}

const encryptExamples = `
Examples:
  sequent project encrypt shop --encryption-key ../master.keys
  sequent project encrypt shop --stop

Earlier payloads stay as they are; sequent purge erases them. A request that a client without the keys publishes is refused.`;

async function encrypt(call: Call<EncryptOptions>): Promise<typeof exitCodes.ok> {
  const { options, args } = call;
  const [name = ''] = args;
  const keys = options.stop ? undefined : await readGivenKeys(options);
  return await withKeyStores(options, async (stores) => {
    const { encryptProject, stopEncrypting } = await import('#src/core/encryption/change-project.ts');
    const project = await projectIn(name, stores);
    if (keys === undefined) await stopEncrypting(stores.functions, project);
    else await encryptProject(stores.functions, project, { keys, now: stores.client.clock.now() });
    const whose = project === undefined ? say('the own project') : say('project {name}', { name: project });
    printOne(call, {
      value: { project: name, payloads: keys === undefined ? 'plain' : 'encrypted' },
      name,
      lines: () => [
        keys === undefined
          ? say('no further payload of {project} is encrypted', { project: whose })
          : say('the payloads of {project} are encrypted from now on', { project: whose }),
      ],
    });
    return exitCodes.ok;
  });
}
