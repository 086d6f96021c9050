import { Command } from 'commander';
import { parseWhole } from '#src/cli/arguments/durations.ts';
import { parseSize } from '#src/cli/arguments/size.ts';
import { action, type Call } from '#src/cli/call.ts';
import { withDryRun } from '#src/cli/dry-run.ts';
import { printOne } from '#src/cli/print/output.ts';
import { limitsInWords } from '#src/cli/print/quota-in-words.ts';
import { exitCodes } from '#src/cli/problem.ts';
import { say } from '#src/cli/texts/say.ts';
import type { QuotaLimits } from '#src/core/quotas/project-quota.ts';
import { projectIn, withKeyStores } from './stores.ts';

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
  weight?: number;
  clear?: true;
};

export function quotaCommand(): Command {
  return withDryRun(new Command('quota'))
    .summary('set or show the quotas of a project')
    .description(
      'Sets how much a project may send over HTTP: its open invocations, the requests per second that all gateways together accept, and what the log holds for it; and how much it may define. A request beyond a quota is refused before it is accepted (429), and a definition before it is stored (403). Without an option, the command shows the quotas.',
    )
    .argument('<project>', 'the project')
    .option('--open <count>', 'how many invocations may be open: accepted, and not notified', parseWhole(0, 10_000_000))
    .option('--rate <count>', 'how many requests are accepted per second', parseWhole(1, 1_000_000))
    .option('--burst <count>', 'how many requests are accepted at once after a pause (default: the rate)', parseWhole(1, 1_000_000))
    .option('--stored <size>', 'how much the log may hold for the project, with its large payloads', parseSize)
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
    .option('--weight <count>', 'how large the share of the project in the slots of a worker is (default: 1)', parseWhole(1, 1_000))
    .option('--clear', 'remove the quotas that no option of this command sets')
    .addHelpText('after', examples)
    .action(action<QuotaOptions>(quota));
}

const examples = `
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
  const { open, rate, burst, functions, schedules, weight } = options;
  const amounts = { open, rate, burst, storedBytes, functions, schedules, definitionBytes, codeBytes, memoryBytes, weight };
  const given = Object.entries(amounts).filter(([, value]) => value !== undefined);
  return { ...(Object.fromEntries(given) as QuotaLimits), clear: clear === true };
}
