import { join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { printOne } from '#src/cli/print/output.ts';
import { say } from '#src/cli/texts/say.ts';
import { FSYNC_CHOICES, type Fsync } from '#src/main/nats-server/files.ts';
import {
  ACCOUNTS_CHOICES,
  type Accounts,
  type GuardedConfig,
  readGuardedConfig,
  writeGuardedConfig,
} from '#src/main/nats-server/guarded-config.ts';
import { moveStreamsToAccount } from '#src/main/nats-server/move-streams.ts';
import { action, type Call } from '../../call.ts';
import { CommandError, type ExitCode, exitCodes, usageProblem } from '../../problem.ts';

type Options = { fsync: Fsync; cluster?: string; accounts?: Accounts; store?: string; plan?: true };

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
    .option('--store <folder>', 'with --accounts own: move the streams in the store of a stopped server, its -sd, to their account first')
    .option('--plan', 'write nothing, and print the steps to an account for clients; the exit code tells whether there are any')
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
  sequent nats-config ./keys --plan                            the steps to accounts for a folder of an earlier version
  sequent nats-config ./keys --accounts own --store /var/lib/nats    the step that moves the streams of one server

Run it again after an upgrade, and reload the servers ("nats-server --signal reload"): the permissions change with the version.

Exit codes: 0 written, or clients have an account (--plan); 8 clients have none yet (--plan); 1 the folder or the store cannot be changed; others: see sequent --help.`;

async function write(call: Call<Options>): Promise<ExitCode> {
  const [folder = ''] = call.args;
  const { fsync, cluster, accounts, store, plan } = call.options;
  if (plan === true) return printPlan(call, folder);
  if (store !== undefined && accounts !== 'own') {
    throw usageProblem(
      '--store moves streams to the account of Sequent',
      'it needs --accounts own',
      'add --accounts own, or remove --store',
    );
  }
  const moveBack = store === undefined ? undefined : moveStreams(store);
  const written = writeTo(folder, { fsync, cluster: hostsIn(cluster), accounts }, moveBack);
  printOne(call, {
    value: written,
    name: written.config,
    lines: () => [
      ...(store === undefined ? [] : [say('moved the streams of {store} to the account of Sequent', { store })]),
      say('wrote {file}, and these keys:', { file: written.config }),
      ...Object.values(written.keys).map((file) => `  ${file}`),
      ...(written.accounts === 'own'
        ? []
        : [say(SHARED), say('sequent nats-config {folder} --plan prints the steps to an account for clients', { folder })]),
    ],
  });
  return exitCodes.ok;
}

const SHARED = 'clients share the account of Sequent, so each publisher of requests can purge the log';

function printPlan(call: Call<Options>, folder: string): ExitCode {
  const present = readGuardedConfig(folder);
  const isShared = present?.accounts === 'shared';
  const steps = isShared ? stepsToAccounts(folder, present.hosts) : [];
  printOne(call, {
    value: { accounts: present?.accounts ?? 'own', steps },
    name: folder,
    lines: () =>
      isShared
        ? [
            say(SHARED),
            say('These steps give clients an account. Keys and addresses stay the same:'),
            ...steps.map((step, index) => `${index + 1}. ${step}`),
          ]
        : [say('clients have an account of their own: nothing is to be done')],
  });
  return isShared ? exitCodes.differences : exitCodes.ok;
}

/**
 * What a person does, from one account for all users to an account for clients. The store of a single server is changed in place; the servers of
 * a cluster agree about their streams, so these get them from a backup.
 */
function stepsToAccounts(given: string, hosts: readonly string[]): string[] {
  const folder = resolve(given);
  const key = (role: string): string => join(folder, role, 'nats.nk');
  const start = `nats-server -c ${join(folder, 'nats.conf')} -sd /var/lib/nats`;
  const look = say('start the processes of Sequent, and look: {command}', { command: `sequent doctor --nkey ${key('operator')}` });
  if (hosts.length === 0) {
    return [
      say('stop all processes of Sequent and its clients, and then nats-server'),
      say('{command} (the folder that nats-server gets by -sd; all streams of the account move)', {
        command: `sequent nats-config ${folder} --accounts own --store /var/lib/nats`,
      }),
      start,
      look,
    ];
  }
  return [
    say('stop all processes of Sequent and its clients'),
    `sequent backup before-accounts --nkey ${key('admin')}`,
    say('stop all servers, and give each an empty store: {command}', {
      command: 'mv /var/lib/nats/jetstream /var/lib/nats/jetstream-before',
    }),
    `sequent nats-config ${folder} --accounts own --cluster ${hosts.join(',')}`,
    say('copy the file to all servers, and start them: {command}', { command: `${start} --name HOST` }),
    `sequent restore before-accounts --nkey ${key('admin')}`,
    look,
  ];
}

function moveStreams(store: string): () => void {
  try {
    return moveStreamsToAccount(store);
  } catch (cause) {
    const what = { code: 'STREAMS_NOT_MOVED', exitCode: exitCodes.failed, what: 'the streams cannot be moved' };
    throw new CommandError(
      { ...what, why: (cause as Error).message, remedy: 'sequent nats-config FOLDER --plan prints the steps' },
      { cause },
    );
  }
}

function writeTo(folder: string, options: Parameters<typeof writeGuardedConfig>[1], moveBack = (): void => {}): GuardedConfig {
  try {
    return writeGuardedConfig(folder, options);
  } catch (cause) {
    moveBack();
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
