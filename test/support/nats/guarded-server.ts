import { accountsConfig, SEQUENT_ACCOUNT } from '#src/nats/permissions/accounts.ts';
import {
  type NamedPermissions,
  type PlacedPermissions,
  passwordVariableOf,
  toAccountUser,
  toServerConfig,
} from '#src/nats/permissions/permission-formats.ts';
import { startConfiguredServer } from './configured-server.ts';

type Rules = { allow?: readonly string[]; deny?: readonly string[] };
/** The permissions of one user; without rules, everything is permitted. Each password is `pw`. */
type Permissions = { publish?: Rules; subscribe?: Rules; allow_responses?: boolean };
export type Users = Readonly<Record<string, Permissions>>;

/** A real nats-server with JetStream, users and permissions. */
export interface GuardedServer extends AsyncDisposable {
  readonly url: string;
  /** The options by which this user connects. */
  as(user: string): { servers: string; user: string; pass: string };
  /** The URL with the credentials of this user. */
  urlAs(user: string): string;
  /** Changes the permissions. Resolves when the server has applied them, without a restart. */
  change(users: Users): Promise<void>;
}

/** A user as `sequent nats-permissions` prints it, in its account; or without accounts, as earlier versions printed it. */
type Printed = readonly PlacedPermissions[] | readonly NamedPermissions[];

/** `printed` are further users. With accounts, `users` are those of Sequent's account. */
export async function startGuardedServer(users: Users, printed: Printed = []): Promise<GuardedServer> {
  const server = await startConfiguredServer(authorization(users, printed));
  const { url, port } = server;
  return {
    url,
    as: (user) => ({ servers: url, user, pass: 'pw' }),
    urlAs: (user) => `nats://${user}:pw@127.0.0.1:${port}`,
    change: (changed) => server.change(authorization(changed, printed)),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** The users of a server's configuration. */
export function authorization(users: Users, printed: Printed = []): string {
  const passwords = printed.map(({ name }) => `${passwordVariableOf(name)}: pw\n`).join('');
  const lines = Object.entries(users).map(([user, permissions]) => `  ${JSON.stringify({ user, password: 'pw', permissions })}`);
  const placed = printed.flatMap((user) => ('account' in user ? [user] : []));
  if (placed.length === 0)
    return `${passwords}authorization: {\nusers: [\n${[...lines, ...printed.map(toServerConfig)].join('\n')}\n]\n}\n`;
  const own = lines.map((entry) => ({ account: SEQUENT_ACCOUNT, entry }));
  return `${passwords}${accountsConfig([...own, ...placed.map(toAccountUser)]).join('\n')}\n`;
}
