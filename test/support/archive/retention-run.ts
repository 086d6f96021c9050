import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Verification } from '#src/analysis/verify.ts';
import { connectClient, type SequentClient } from '#src/client/client.ts';
import { INVOCATIONS, RESULTS } from '#src/nats/wire/topology.ts';
import { runCli } from '#test/support/cli/cli.ts';
import { startSequent } from '#test/support/cli/sequent-process.ts';
import type { TestServer } from '#test/support/nats/nats-server.ts';

/** What the broker holds at a moment. */
type Held = { invocations: number; results: number; diskInBytes: number };

export type RetentionRun = {
  server: TestServer;
  /** Of the projection and of the archive. */
  dataDir: string;
  /** How many finished invocations the log keeps. */
  retention: number;
  rounds: number;
  perRound: number;
  /** Has so many invocations executed. */
  execute: (count: number) => Promise<void>;
  /**
   * Hears what the broker holds after a round. The next one begins when the log holds at most half more than it is to: as fast as it
   * can, a machine of few processors accepts more than the janitor beside it archives.
   */
  onRound?: (finished: number, held: Held) => void;
};

export type RetentionOutcome = {
  /** In the end, when the janitor has nothing more to do. */
  held: Held;
  /** How many different invocations a list of all of them shows. */
  listed: number;
  /** How many of a sample over all of them, told one by one, are over and tell all that happened to them. */
  told: { asked: number; whole: number };
  verified: { code: number | null; verification: Verification };
};

const SAMPLE = 200;

/** Executes invocations beside a projection and a janitor, as processes of their own, and then asks about all of them. */
export async function runRetention(run: RetentionRun): Promise<RetentionOutcome> {
  const { server, dataDir, retention, rounds, perRound, execute, onRound = () => {} } = run;
  const roles = ['projection', 'janitor'].flatMap((role) => ['--role', role]);
  const limits = ['--retention', 'off', '--retention-invocations', String(retention)];
  await using _ = await startSequent([...roles, ...limits], { NATS_URL: server.url, SEQUENT_DATA: dataDir });
  await using client = await connectClient({ servers: server.url });
  for (let round = 1; round <= rounds; round++) {
    await execute(perRound);
    onRound(round * perRound, await settled(client, { server, most: retention * 1.5 }));
  }
  await caughtUp(client);
  const held = await settled(client, { server, most: retention * 1.1 });
  const ids = await listAll(client);
  return {
    held,
    listed: new Set(ids).size,
    told: await tellSample(client, ids),
    verified: await verify(server, dataDir),
  };
}

/** `undefined` in the middle of a purge, in which the server puts a new folder in the place of a stream's. */
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
    // A block may be gone by now.
    if (entry.isFile())
      size += await stat(join(entry.parentPath, entry.name)).then(
        (file) => file.size,
        () => 0,
      );
  }
  return size;
}

async function until(what: string, withinMs: number, look: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + withinMs; !(await look()); ) {
    if (Date.now() > deadline) throw new Error(`${what} within ${withinMs} ms: it did not`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function caughtUp({ history }: SequentClient): Promise<void> {
  await until('the projection reads all of the log', 120_000, async () => {
    const status = await history.status().catch(() => undefined);
    return status?.lag === 0 && status.isReady;
  });
}

async function settled(client: SequentClient, { server, most }: { server: TestServer; most: number }): Promise<Held> {
  let held: Held | undefined;
  await until('the janitor lets go what is too much', 120_000, async () => {
    held = await readHeld(client, server);
    return held !== undefined && held.invocations <= most && held.results <= most;
  });
  return held as Held;
}

async function listAll({ history }: SequentClient): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of history.all({ limit: 500 })) ids.push(id);
  return ids;
}

async function tellSample(client: SequentClient, ids: readonly string[]): Promise<RetentionOutcome['told']> {
  const asked = ids.filter((_, place) => place % Math.ceil(ids.length / SAMPLE) === 0);
  let whole = 0;
  for (const id of asked) {
    const { transitions, state } = await client.timeline(id);
    const types = transitions.map(({ fact }) => fact.type).join(' ');
    if (state === 'notified' && types === 'queued running succeeded notified') whole++;
  }
  return { asked: asked.length, whole };
}

async function verify({ url }: TestServer, dataDir: string): Promise<RetentionOutcome['verified']> {
  const { code, stdout } = await runCli(['verify', '--json', '--data', dataDir], { env: { NATS_URL: url } });
  return { code, verification: JSON.parse(stdout) as Verification };
}
