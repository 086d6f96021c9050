import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type SequentProcess, startSequent } from '#test/support/cli/processes/sequent-process.ts';

export const ROLES = ['worker', 'scheduler', 'destinations', 'projection', 'gateway'] as const;
type Role = (typeof ROLES)[number];

/** One role in a process of its own. */
type RoleProcess = { role: Role; name: string; process: SequentProcess };

/** Two processes of each role. */
export interface StormRoles extends AsyncDisposable {
  readonly all: readonly RoleProcess[];
  /** The addresses of the gateways, as they are now. */
  gateways(): string[];
  kill(one: RoleProcess): Promise<void>;
  /** Starts a role again that was killed. */
  start(one: RoleProcess): Promise<void>;
  /** The last log lines of each process, killed processes included. */
  lines(): string[];
}

/** `executions`: the file in which functions record their executions, and which says when a process was killed. */
export type RolesOptions = { urls: readonly string[]; folder: string; executions: string; receiverPort: number };

export async function startRoles({ urls, folder, executions, receiverPort }: RolesOptions): Promise<StormRoles> {
  const connections = join(folder, 'connections.json');
  await writeFile(connections, JSON.stringify({ http: { kind: 'http', allowPrivate: true, allowHttp: true, ports: [receiverPort] } }));
  const start = (role: Role, name: string): Promise<SequentProcess> =>
    startSequent(['--role', role, '--http-port', '0'], {
      NATS_URL: urls.join(','),
      SEQUENT_REPLICAS: '3',
      SEQUENT_DATA: join(folder, name),
      SEQUENT_CONNECTIONS: connections,
      SEQUENT_LEASE_MS: '1500',
      SEQUENT_PATIENCE_MS: '2000',
    });
  // The first process creates the streams.
  const first: RoleProcess = { role: 'scheduler', name: 'scheduler-0', process: await start('scheduler', 'scheduler-0') };
  const names = ROLES.flatMap((role) => [0, 1].map((index) => ({ role, name: `${role}-${index}` }))).filter(
    ({ name }) => name !== first.name,
  );
  const others = await Promise.all(names.map(async ({ role, name }) => ({ role, name, process: await start(role, name) })));
  const all: RoleProcess[] = [first, ...others];
  const ended: string[] = [];
  return {
    all,
    gateways: () => all.filter(({ role }) => role === 'gateway').map(({ process }) => /http (http:\S+)/.exec(process.readyLine)?.[1] ?? ''),
    async kill({ name, process }) {
      // The line comes first: others may free the slots of the process before this process goes on.
      await appendFile(executions, `killed ${process.pid}\n`);
      await process.signal('SIGKILL');
      ended.push(...linesOf(name, process));
    },
    async start(one) {
      one.process = await start(one.role, one.name);
    },
    lines: () => [...ended, ...all.flatMap(({ name, process }) => linesOf(name, process))],
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map(({ process }) => process[Symbol.asyncDispose]()));
    },
  };
}

function linesOf(name: string, { stderr }: SequentProcess): string[] {
  return stderr === ''
    ? []
    : stderr
        .trim()
        .split('\n')
        .map((line) => `${name}: ${line}`);
}
