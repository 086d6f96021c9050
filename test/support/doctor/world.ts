import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { examine } from '#src/cli/commands/doctor/examine.ts';
import type { Finding } from '#src/cli/commands/doctor/finding.ts';
import { judge } from '#src/cli/commands/doctor/findings.ts';
import { connectClient, type SequentClient } from '#src/client/client.ts';
import { VERSION } from '#src/client/version.ts';
import type { FunctionDefinitionInput } from '#src/core/functions/definition.ts';
import type { RoleInstance } from '#src/core/ports/questions/role-instances.ts';
import { createNatsRoleInstances } from '#src/nats/questions/role-instances.ts';
import { runCliOn } from '#test/support/cli/cli.ts';
import { type SequentProcess, startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { startTestServer, type TestServer } from '#test/support/nats/nats-server.ts';

const ROLES = ['worker', 'scheduler', 'destinations', 'projection'] as const;
type Role = (typeof ROLES)[number];
type Undo = () => Promise<unknown>;

/** A system in which each role is a process, so that each may be missing, and the doctor of it. */
export interface DoctorWorld extends AsyncDisposable {
  readonly server: TestServer;
  readonly client: SequentClient;
  /** The folder of the read models and of the handlers. */
  readonly folder: string;
  /**
   * What `sequent doctor` finds, without what is as it should be, and its exit code. `laterInMs`: as of a time from now, without the command.
   */
  diagnose(laterInMs?: number): Promise<{ found: Finding[]; exit: number | null }>;
  /** Defines a function, whose handler returns at once (`ok`), fails (`fails`), or runs until the undo (`slow`). */
  put(handler: 'ok' | 'fails' | 'slow', settings?: Partial<FunctionDefinitionInput>): Promise<{ name: string; undo: Undo }>;
  stop(role: Role): Promise<Undo>;
  /** Sends a signal to the process with a role, or to all processes. */
  signal(signal: NodeJS.Signals, role?: Role): void;
  /** A process that answers as if it were one of Sequent. */
  announce(part: Partial<RoleInstance>): Promise<Undo>;
}

/** What is planted, and the truth about it: every finding that is not ok, and the exit code. `NAME` stands for the planted function. */
export type Situation = {
  title: string;
  plant(world: DoctorWorld): Promise<{ name?: string; undo: Undo }>;
  truth: readonly (readonly [level: 'note' | 'problem', check: string, seen: RegExp])[];
  exit: 0 | 1;
  /** The doctor judges as of this time from now. */
  laterInMs?: number;
};

/** A lease and a patience for which a test can wait. The fixtures of vitest have the same; a benchmark runs without vitest. */
const SHORT_TIMES = { SEQUENT_LEASE_MS: '1500', SEQUENT_PATIENCE_MS: '1500' };

const handlers = `
import { existsSync } from 'node:fs';
export const ok = () => 'ok';
export const fails = () => { throw new Error('it always fails'); };
export const slow = async (event) => { while (!existsSync(event.until)) await new Promise((resolve) => setTimeout(resolve, 20)); };
`;

/** What holds of every run of this test: the server is external and may be an older one that works, and the functions have no destination. */
const BASELINE = ['server version', 'durability', 'isolation', 'account of clients', 'failures'];

export async function openDoctorWorld(): Promise<DoctorWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-doctor-'));
  const file = join(folder, 'handlers.mjs');
  await writeFile(file, handlers);
  const server = await startTestServer();
  const env = { NATS_URL: server.url, SEQUENT_DATA: folder, SEQUENT_DELIVERY_AGE: '1s', ...SHORT_TIMES };
  const processes = new Map<Role, SequentProcess>();
  const start = async (role: Role): Promise<void> => void processes.set(role, await startSequent(['--role', role], env));
  // The first process creates the streams.
  for (const role of ROLES) await start(role);
  const client = await connectClient({ servers: server.url });
  // A system without a function has a note.
  await client.functions.put({ name: 'always', handler: { kind: 'process', file, export: 'ok' } });
  let names = 0;
  return {
    server,
    client,
    folder,
    async diagnose(laterInMs) {
      const { findings, exit } = await (laterInMs === undefined ? runDoctor(server.url, folder) : judgeLater(client, folder, laterInMs));
      return { found: findings.filter(({ level, check }) => level !== 'ok' && !BASELINE.includes(check)), exit };
    },
    async put(handler, settings = {}) {
      const name = `f${++names}`;
      await client.functions.put({ name, handler: { kind: 'process', file, export: handler }, ...settings });
      return {
        name,
        async undo() {
          await writeFile(untilOf(folder, name), '');
          await client.functions.delete(name).catch(() => {});
          await historyAnswers(client);
          for await (const { id } of client.history.all({ function: name, state: ['queued', 'running', 'retrying'] }))
            await client.cancel(id).catch(() => {});
        },
      };
    },
    async stop(role) {
      await processes.get(role)?.signal('SIGTERM');
      return () => start(role);
    },
    signal: (signal, role) => {
      for (const [one, { pid }] of processes) if (role === undefined || role === one) process.kill(pid, signal);
    },
    announce: async (part) => {
      const own = { instance: randomUUID(), roles: ['gateway'], version: VERSION, host: 'elsewhere', pid: 7, startedAt: 1, ...part };
      return await createNatsRoleInstances(client.connection).announce(own);
    },
    async [Symbol.asyncDispose]() {
      await client.close();
      for (const one of processes.values()) await one[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

type Diagnosis = { findings: Finding[]; exit: number | null };

/** What the command prints, and its exit code. */
async function runDoctor(url: string, folder: string): Promise<Diagnosis> {
  const { code, stdout, stderr } = await runCliOn(url, ['doctor', '--json', '--data', folder]);
  if (stdout === '') throw new Error(`sequent doctor printed nothing, and ended with ${code}: ${stderr}`);
  return { findings: (JSON.parse(stdout) as { findings: Finding[] }).findings, exit: code };
}

/** The command has no option for another time, so its functions are called. */
async function judgeLater({ connection }: SequentClient, dataDir: string, laterInMs: number): Promise<Diagnosis> {
  const findings = judge(await examine(connection, { dataDir, withReplicas: false }), Date.now() + laterInMs);
  return { findings, exit: findings.some(({ level }) => level === 'problem') ? 1 : 0 };
}

/** An event of the handler `slow`, which runs until the undo of the function. */
export const untilOf = (folder: string, name: string): string => join(folder, `${name}.done`);

/** A projection that meets damage in its file answers again after the rebuild. */
async function historyAnswers(client: SequentClient): Promise<void> {
  const deadline = performance.now() + 20_000;
  while ((await client.history.list({ limit: 1 }).catch(() => undefined)) === undefined) {
    if (performance.now() > deadline) throw new Error('no projection answers within 20 s');
    await setTimeout(20);
  }
}
