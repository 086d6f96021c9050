import { type NamedPermissions, passwordVariableOf, toServerConfig } from '#src/nats/permissions/permission-formats.ts';
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

/** `printed` are further users, as `sequent nats-permissions` prints them. */
export async function startGuardedServer(users: Users, printed: readonly NamedPermissions[] = []): Promise<GuardedServer> {
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
export function authorization(users: Users, printed: readonly NamedPermissions[] = []): string {
  const passwords = printed.map(({ name }) => `${passwordVariableOf(name)}: pw\n`);
  const lines = Object.entries(users).map(([user, permissions]) => `  ${JSON.stringify({ user, password: 'pw', permissions })}`);
  return `${passwords.join('')}authorization: {\nusers: [\n${[...lines, ...printed.map(toServerConfig)].join('\n')}\n]\n}\n`;
}
