import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureServer } from '#src/main/nats-server/fetch.ts';
import { createServerFiles, writeRecord, writeServerConfig } from '#src/main/nats-server/files.ts';
import { waitUntilReady } from '#src/main/nats-server/launch.ts';
import { endServer } from '#src/main/nats-server/processes.ts';

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
  const dataDir = await mkdtemp(join(tmpdir(), 'sequent-guarded-'));
  const files = createServerFiles(dataDir);
  const write = (allowed: Users, port?: number): void => {
    writeServerConfig(files, { fsync: '100ms', port });
    appendFileSync(files.config, authorization(allowed));
  };
  write(users);
  writeRecord(files, { fsync: '100ms' });
  const { bin } = await ensureServer();
  const server = spawn(bin, ['-c', files.config], { stdio: 'ignore' });
  await once(server, 'spawn');
  const pid = server.pid ?? 0;
  const { port } = await waitUntilReady(files, pid, { readyWithinMs: 10_000 });
  const url = `nats://127.0.0.1:${port}`;

  return {
    url,
    as: (user) => ({ servers: url, user, pass: 'pw' }),
    urlAs: (user) => `nats://${user}:pw@127.0.0.1:${port}`,
    change(changed) {
      write(changed, port);
      process.kill(pid, 'SIGHUP');
    },
    async [Symbol.asyncDispose]() {
      process.kill(pid, 'SIGKILL');
      await endServer(pid, files.config);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function authorization(users: Users): string {
  const lines = Object.entries(users).map(([user, permissions]) => `  ${JSON.stringify({ user, password: 'pw', permissions })}`);
  return `authorization: {\nusers: [\n${lines.join('\n')}\n]\n}\n`;
}
