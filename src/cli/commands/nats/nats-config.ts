import { Command, Option } from 'commander';
import { printOne } from '#src/cli/print/output.ts';
import { say } from '#src/cli/texts/say.ts';
import { FSYNC_CHOICES, type Fsync } from '#src/main/nats-server/files.ts';
import { ACCOUNTS_CHOICES, type Accounts, type GuardedConfig, writeGuardedConfig } from '#src/main/nats-server/guarded-config.ts';
import { action, type Call } from '../../call.ts';
import { CommandError, type ExitCode, exitCodes, usageProblem } from '../../problem.ts';

type Options = { fsync: Fsync; cluster?: string; accounts?: Accounts };

export function natsConfigCommand(): Command {
  return new Command('nats-config')
    .summary('write a NATS configuration with a key for each role')
    .description(
      'Writes nats.conf for NATS servers with a user for each role and client, and the key of each user in a folder of its own. Existing keys stay. Needs no connection.',
    )
    .argument('<folder>', 'the folder for nats.conf and the keys')
    .addOption(
      new Option('--fsync <mode>', 'how long an acknowledged message may wait for the disk').choices(FSYNC_CHOICES).default('100ms'),
    )
    .option('--cluster <hosts>', 'the hosts of the servers of a cluster, between commas')
    .addOption(new Option('--accounts <choice>', 'own: an account for clients; shared: one for all users').choices(ACCOUNTS_CHOICES))
    .addHelpText('after', examples)
    .action(action<Options>(write));
}

const examples = `
Examples:
  sequent nats-config ./keys                                   nats-server -c keys/nats.conf -sd /var/lib/nats
  sequent nats-streams --nkey ./keys/admin/nats.nk             then create the streams
  sequent serve --role worker --nkey ./keys/worker/nats.nk     and start each role with its key
  sequent doctor --nkey ./keys/operator/nats.nk                commands use the key of the operator
  sequent nats-config ./keys --cluster nats-1,nats-2,nats-3    for three servers; start each with another --name
  sequent nats-config ./keys --accounts own                    after the streams of an earlier version were moved

Run it again after an upgrade, and reload the servers ("nats-server --signal reload"): the permissions change with the version.`;

async function write(call: Call<Options>): Promise<ExitCode> {
  const [folder = ''] = call.args;
  const { fsync, cluster, accounts } = call.options;
  const written = writeTo(folder, { fsync, cluster: hostsIn(cluster), accounts });
  printOne(call, {
    value: written,
    name: written.config,
    lines: () => [
      say('wrote {file}, and these keys:', { file: written.config }),
      ...Object.values(written.keys).map((file) => `  ${file}`),
      ...(written.accounts === 'own' ? [] : [say('clients share the account of Sequent, so each publisher of requests can purge the log')]),
      ...(written.accounts === 'own' ? [] : [say('docs/deployment.md, "Accounts", moves the streams of an earlier version')]),
    ],
  });
  return exitCodes.ok;
}

function writeTo(folder: string, options: Parameters<typeof writeGuardedConfig>[1]): GuardedConfig {
  try {
    return writeGuardedConfig(folder, options);
  } catch (cause) {
    const what = { code: 'FILE_NOT_WRITTEN', exitCode: exitCodes.failed, what: 'the configuration cannot be stored' };
    throw new CommandError({ ...what, why: (cause as Error).message, remedy: 'name a folder that you can write' }, { cause });
  }
}

function hostsIn(cluster: string | undefined): string[] {
  if (cluster === undefined) return [];
  const hosts = cluster.split(',').map((host) => host.trim());
  if (hosts.every((host) => /^[\w.-]+$/.test(host))) return hosts;
  throw usageProblem(
    'the cluster is not valid',
    `--cluster must be hosts between commas, not "${cluster}"`,
    '--cluster nats-1,nats-2,nats-3',
  );
}
