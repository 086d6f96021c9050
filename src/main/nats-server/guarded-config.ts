import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type AccountUser, accountOf, accountsConfig, borderOf, SEQUENT_ACCOUNT } from '#src/nats/permissions/accounts.ts';
import { toNkeyConfig } from '#src/nats/permissions/permission-formats.ts';
import { PERMISSION_ROLES, type PermissionRole, permissionsOf } from '#src/nats/permissions/role-permissions.ts';
import { ensureKey } from './access.ts';
import type { Fsync } from './files.ts';

/*
 * The configuration of NATS servers that Sequent does not start, such as those of containers: a user with an nkey for each role, and clients
 * in an account of their own (ACC2).
 */

/** `own`: clients are in an account of their own. `shared`: all users are in the global account, as earlier versions wrote it. */
export const ACCOUNTS_CHOICES = ['own', 'shared'] as const;
export type Accounts = (typeof ACCOUNTS_CHOICES)[number];

/** The user that creates the streams, and may do everything. */
const ADMIN = 'admin' as const;
const CLUSTER_PORT = 6222;
const CONFIG = 'nats.conf';

export type GuardedConfigOptions = {
  fsync: Fsync;
  /** The hosts of the servers of a cluster; empty for a single server. */
  cluster: readonly string[];
  /** By default as in the present configuration of the folder, and `own` in a new folder: the streams belong to an account. */
  accounts?: Accounts | undefined;
};

/** `keys`: the file with the seed of each user, by the name of the role. */
export type GuardedConfig = { config: string; accounts: Accounts; keys: Readonly<Record<string, string>> };

/**
 * Writes `nats.conf` for all servers, and for each role its key in a folder of its own, which can be given to that role alone.
 *
 * Existing keys stay as they are. The configuration is written again, because the permissions change with the version of Sequent.
 */
export function writeGuardedConfig(given: string, { fsync, cluster, accounts: wanted }: GuardedConfigOptions): GuardedConfig {
  const folder = resolve(given);
  const config = join(folder, CONFIG);
  const accounts = wanted ?? readGuardedConfig(folder)?.accounts ?? 'own';
  const files = Object.fromEntries([ADMIN, ...PERMISSION_ROLES].map((role) => [role, join(folder, role, 'nats.nk')]));
  const users = Object.entries(files).map(([role, file]) => {
    mkdirSync(join(folder, role), { recursive: true, mode: 0o700 });
    return userOf(role as typeof ADMIN | PermissionRole, ensureKey(file).publicKey);
  });
  const text = [
    '# Written by "sequent nats-config". Name the folder of the store by -sd, or add store_dir.',
    'max_payload: 4MB',
    'write_deadline: "10s"',
    `jetstream {${fsync === 'default' ? '' : ` sync_interval: "${fsync}" `}}`,
    ...(accounts === 'own' ? accountsConfig(users) : ['authorization {', 'users: [', ...users.map(({ entry }) => entry), ']', '}']),
    ...(cluster.length === 0 ? [] : clusterLines(cluster, ensureSecret(join(folder, 'cluster.secret')))),
  ];
  replace(config, `${text.join('\n')}\n`);
  return { config, accounts, keys: files };
}

function userOf(role: typeof ADMIN | PermissionRole, publicKey: string): AccountUser {
  // Without permissions, a user may do everything.
  if (role === ADMIN) return { account: SEQUENT_ACCOUNT, entry: `{ nkey: ${publicKey} }` };
  const entry = toNkeyConfig(publicKey, { name: `sequent_${role}`, permissions: permissionsOf(role) });
  return { account: accountOf(role), border: borderOf(role), entry };
}

/** What a configuration has that this command wrote earlier. `hosts`: of a cluster; empty for a single server. */
export type WrittenConfig = { accounts: Accounts; hosts: readonly string[] };

/** Reads the configuration of a folder; `undefined` when the folder has none. */
export function readGuardedConfig(folder: string): WrittenConfig | undefined {
  const config = join(resolve(folder), CONFIG);
  if (!existsSync(config)) return undefined;
  const text = readFileSync(config, 'utf8');
  const hosts = [...text.matchAll(new RegExp(`"nats://route:[^@"]+@([^":]+):${CLUSTER_PORT}"`, 'g'))].map(([, host = '']) => host);
  return { accounts: /^accounts \{$/m.test(text) ? 'own' : 'shared', hosts };
}

/** A server of the cluster proves itself to the others by the secret, because every route may do everything. */
function clusterLines(hosts: readonly string[], secret: string): string[] {
  return [
    'cluster {',
    '  name: sequent',
    `  listen: "0.0.0.0:${CLUSTER_PORT}"`,
    `  authorization { user: route, password: "${secret}", timeout: 5 }`,
    `  routes: [${hosts.map((host) => JSON.stringify(`nats://route:${secret}@${host}:${CLUSTER_PORT}`)).join(', ')}]`,
    '}',
  ];
}

function ensureSecret(file: string): string {
  if (!existsSync(file)) replace(file, `${randomBytes(24).toString('hex')}\n`);
  return readFileSync(file, 'utf8').trim();
}

/** Only the owner can read the file, and it never has half of its content. */
function replace(file: string, text: string): void {
  writeFileSync(`${file}.next`, text, { mode: 0o600 });
  renameSync(`${file}.next`, file);
}
