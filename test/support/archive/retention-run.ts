import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Verification } from '#src/analysis/verify/verify.ts';
import { connectClient, type SequentClient } from '#src/client/client.ts';
import { INVOCATIONS, RESULTS } from '#src/nats/wire/topology.ts';
import { runCli } from '#test/support/cli/cli.ts';
import { startSequent } from '#test/support/cli/processes/sequent-process.ts';
import type { TestServer } from '#test/support/nats/nats-server.ts';

/** What the server holds at a moment. */
type Held = { invocations: number; results: number; diskInBytes: number };

export type RetentionRun = {
  server: TestServer;
  /** The data folder of the projection and the archive. */
  dataDir: string;
  /** How many finished invocations the log keeps. */
  retention: number;
  rounds: number;
  perRound: number;
  /** Executes a number of invocations. */
  execute: (count: number) => Promise<void>;
  /**
   * Receives what the server holds after a round. The next round starts when the log holds at most half more than the retention.
   * Otherwise a machine with few processors accepts more than its janitor archives.
   */
  onRound?: (finished: number, held: Held) => void;
};

export type RetentionOutcome = {
  /** At the end, when the janitor has no more work. */
  held: Held;
  /** The number of different invocations in a complete list. */
  listed: number;
  /** The timelines of a sample: how many were read, and how many of them are complete. */
  timelines: { read: number; complete: number };
  verified: { code: number | null; verification: Verification };
};

const SAMPLE = 200;

/** Executes invocations next to the processes of a projection and a janitor, and then queries all of them. */
export async function runRetention(run: RetentionRun): Promise<RetentionOutcome> {
  const { server, dataDir, retention, rounds, perRound, execute, onRound = () => {} } = run;
  const roles = ['projection', 'janitor'].flatMap((role) => ['--role', role]);
  const limits = ['--retention', 'off', '--retention-invocations', String(retention)];
  await using _ = await startSequent([...roles, ...limits], { NATS_URL: server.url, SEQUENT_DATA: dataDir });
  await using client = await connectClient({ servers: server.url });
  for (let round = 1; round <= rounds; round++) {
    await execute(perRound);
    onRound(round * perRound, await settled(client, { server, max: retention * 1.5 }));
  }
  await caughtUp(client);
  const held = await settled(client, { server, max: retention * 1.1 });
  const ids = await listAll(client);
  return {
    held,
    listed: new Set(ids).size,
    timelines: await readSample(client, ids),
    verified: await verify(server, dataDir),
  };
}

/** `undefined` during a purge, while the server replaces the folder of a stream. */
async function readHeld({ connection }: SequentClient, { dataDir }: TestServer): Promise<Held | undefined> {
  const manager = await connection.nats.jetstreamManager();
  const [log, results] = await Promise.all([INVOCATIONS, RESULTS].map(async (name) => (await manager.streams.info(name)).state));
  const diskInBytes = await sizeOf(dataDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  return diskInBytes === undefined ? undefined : { invocations: log?.num_subjects ?? 0, results: results?.messages ?? 0, diskInBytes };
}

async function sizeOf(folder: string): Promise<number> {
  let size = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    // A block may have been removed since.
    if (entry.isFile())
      size += await stat(join(entry.parentPath, entry.name)).then(
        (file) => file.size,
        () => 0,
      );
  }
  return size;
}

async function until(what: string, withinMs: number, check: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + withinMs; !(await check()); ) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function caughtUp({ history }: SequentClient): Promise<void> {
  await until('the projection reads the whole log', 120_000, async () => {
    const status = await history.status().catch(() => undefined);
    return status?.lag === 0 && status.isReady;
  });
}

async function settled(client: SequentClient, { server, max }: { server: TestServer; max: number }): Promise<Held> {
  let held: Held | undefined;
  await until('the janitor purges down to the retention', 120_000, async () => {
    held = await readHeld(client, server);
    return held !== undefined && held.invocations <= max && held.results <= max;
  });
  return held as Held;
}

async function listAll({ history }: SequentClient): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of history.all({ limit: 500 })) ids.push(id);
  return ids;
}

async function readSample(client: SequentClient, ids: readonly string[]): Promise<RetentionOutcome['timelines']> {
  const sample = ids.filter((_, index) => index % Math.ceil(ids.length / SAMPLE) === 0);
  let complete = 0;
  for (const id of sample) {
    const { transitions, state } = await client.timeline(id);
    const types = transitions.map(({ fact }) => fact.type).join(' ');
    if (state === 'notified' && types === 'queued running succeeded notified') complete++;
  }
  return { read: sample.length, complete };
}

async function verify({ url }: TestServer, dataDir: string): Promise<RetentionOutcome['verified']> {
  const { code, stdout } = await runCli(['verify', '--json', '--data', dataDir], { env: { NATS_URL: url } });
  return { code, verification: JSON.parse(stdout) as Verification };
}
