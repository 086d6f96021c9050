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
  /** Changes the permissions. The server applies them shortly afterwards, without a restart. */
  change(users: Users): void;
}

export async function startGuardedServer(users: Users): Promise<GuardedServer> {
  const server = await startConfiguredServer(authorization(users));
  const { url, port } = server;
  return {
    url,
    as: (user) => ({ servers: url, user, pass: 'pw' }),
    urlAs: (user) => `nats://${user}:pw@127.0.0.1:${port}`,
    change: (changed) => server.change(authorization(changed)),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function authorization(users: Users): string {
  const lines = Object.entries(users).map(([user, permissions]) => `  ${JSON.stringify({ user, password: 'pw', permissions })}`);
  return `authorization: {\nusers: [\n${lines.join('\n')}\n]\n}\n`;
}
