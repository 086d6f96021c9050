import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, consumerOpts, type JetStreamManager, type NatsConnection, RetentionPolicy, type StreamInfo } from 'nats';
import { ensureServer } from '#src/main/nats-server/fetch.ts';
import type { Fsync } from '#src/main/nats-server/files.ts';
import { type Cluster, startCluster } from '#test/support/cluster/cluster.ts';
import { type CuttableDisk, openCuttableDisk, whyNoDisk } from '#test/support/nats/disks/cuttable-disk.ts';
import { cpuOf } from './measure/processes.ts';

/*
 * npm run bench:cluster [-- --seconds 5] [-- --only always]
 *
 * Measures a stream with three replicas by `sync_interval`: how fast it acknowledges, how long the slowest hundredth takes, and which
 * acknowledged messages are lost and how long no message is acknowledged when power, space or speed of disks is taken away. Each server has
 * a file system of its own on a loop device, whose power can be cut. Prints the table of docs/scale.md.
 */

const STREAM = 'BENCH';
const PAYLOAD_BYTES = 400;
const IN_FLIGHT = 64;
const ANSWER_WITHIN_MS = 2_000;
const ANSWERS_AGAIN_WITHIN_MS = 120_000;
/** How long the file system of the slow disk stands still, and how long it works in between. */
const FROZEN_MS = 200;
const option = (name: string): string | undefined => {
  const index = process.argv.indexOf(`--${name}`);
  return index === -1 ? undefined : process.argv[index + 1];
};
const seconds = Number(option('seconds') ?? 5);
const classes = (['always', '100ms', 'default'] as const).filter((one) => one === (option('only') ?? one));
const print = (text: string): void => void process.stdout.write(`${text}\n`);
const pause = (inMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, inMs));

type Tested = { cluster: Cluster; disks: readonly CuttableDisk[]; load: Load };
/** The fault of a row. Resolves when the load has had time to show its effect, with the cluster whole again. */
type Case = { title: string; run: (tested: Tested) => Promise<void> };

/** Publishes with a bounded number in flight, and records each acknowledgement with its time. */
class Load {
  readonly acknowledged = new Set<string>();
  readonly latencies: number[] = [];
  refused = 0;
  longestGapInMs = 0;
  #lastAt = performance.now();
  #count = 0;
  #isOver = false;
  readonly #connection: NatsConnection;
  readonly #senders: Promise<void>[];

  constructor(connection: NatsConnection) {
    this.#connection = connection;
    this.#senders = Array.from({ length: IN_FLIGHT }, () => this.#send());
  }

  async end(): Promise<void> {
    this.#isOver = true;
    this.longestGapInMs = Math.max(this.longestGapInMs, performance.now() - this.#lastAt);
    await Promise.all(this.#senders);
  }

  async #send(): Promise<void> {
    const filling = 'x'.repeat(PAYLOAD_BYTES);
    while (!this.#isOver) {
      const id = `m${this.#count++}.`;
      const sentAt = performance.now();
      try {
        const reply = await this.#connection.request(STREAM, id + filling, { timeout: ANSWER_WITHIN_MS });
        if ((reply.json() as { error?: object }).error !== undefined) throw new Error('refused');
        this.#acknowledge(id, sentAt);
      } catch {
        this.refused++;
        await pause(20);
      }
    }
  }

  #acknowledge(id: string, sentAt: number): void {
    const now = performance.now();
    this.acknowledged.add(id);
    this.latencies.push(now - sentAt);
    this.longestGapInMs = Math.max(this.longestGapInMs, now - this.#lastAt);
    this.#lastAt = now;
  }
}

const member = ({ cluster }: Tested, index: number) => cluster.members[index]?.server;

async function cut(tested: Tested, indexes: readonly number[]): Promise<void> {
  await Promise.all(indexes.map((index) => member(tested, index)?.end('SIGKILL')));
  await Promise.all(indexes.map((index) => tested.disks[index]?.cut()));
  await pause(1_000);
  for (const index of indexes) member(tested, index)?.start();
  await tested.cluster.healthy();
  await pause(1_000);
}

const cases: readonly Case[] = [
  { title: 'no fault', run: () => pause(seconds * 1_000) },
  { title: 'power cut of one server', run: (tested) => pause(2_000).then(() => cut(tested, [0])) },
  { title: 'power cut of all three at once', run: (tested) => pause(2_000).then(() => cut(tested, [0, 1, 2])) },
  {
    title: 'slow disk of one server',
    async run({ disks }) {
      const path = disks[0]?.path ?? '';
      for (const endsAt = performance.now() + seconds * 1_000; performance.now() < endsAt; await pause(FROZEN_MS)) {
        execFileSync('fsfreeze', ['-f', path]);
        await pause(FROZEN_MS).finally(() => execFileSync('fsfreeze', ['-u', path]));
      }
    },
  },
  {
    title: 'full disk of one server',
    async run(tested) {
      const file = join(tested.disks[0]?.path ?? '', 'filling');
      await pause(1_000);
      try {
        for (let part = 0; ; part++) writeFileSync(`${file}-${part}`, Buffer.alloc(4_194_304, 1));
      } catch {
        // The file system is full now.
      }
      await pause(seconds * 1_000);
      for (let part = 0; part < 200; part++) rmSync(`${file}-${part}`, { force: true });
      // A server of 2.15 answers no message after a full disk until it is restarted (docs/servers.md).
      await member(tested, 0)?.end('SIGKILL');
      member(tested, 0)?.start();
      await tested.cluster.healthy();
    },
  },
];

if (whyNoDisk !== undefined) throw new Error(whyNoDisk);
const { bin, version } = await ensureServer();
print(
  `nats-server ${version}, three servers and the load on one machine of two cores; ${IN_FLIGHT} messages of ${PAYLOAD_BYTES} bytes in flight\n`,
);
print(
  '| sync_interval | case | acknowledged a second | p99 in ms | servers, CPU µs a message | longest gap in s | refused | acknowledged | lost |',
);
print('| --- | --- | --- | --- | --- | --- | --- | --- | --- |');
for (const fsync of classes)
  for (const one of cases) print(await measure(fsync, one).catch((error: unknown) => `| ${fsync} | ${one.title} | ${String(error)} |`));

async function measure(fsync: Fsync, { title, run }: Case): Promise<string> {
  const disks = [await openCuttableDisk(), await openCuttableDisk(), await openCuttableDisk()];
  try {
    await using cluster = await startCluster(
      bin,
      disks.map(({ path }) => path),
      fsync,
    );
    const connection = await connect({ servers: [...cluster.urls], maxReconnectAttempts: -1, reconnectTimeWait: 100 });
    const manager = await connection.jetstreamManager();
    await addStream(manager);
    // nats-server does not sync the definition of a stream.
    for (const disk of disks) await disk.sync();
    const cpuBefore = cpuOfServers(cluster);
    const startedAt = performance.now();
    const load = new Load(connection);
    await run({ cluster, disks, load });
    const took = (performance.now() - startedAt) / 1_000;
    const cpu = cpuOfServers(cluster) - cpuBefore;
    await load.end();
    const lost = await countLost(connection, load.acknowledged);
    await connection.close();
    const { latencies, acknowledged, longestGapInMs, refused } = load;
    const p99 = latencies.sort((one, other) => one - other)[Math.floor(latencies.length * 0.99)] ?? Number.NaN;
    const cells = [
      Math.round(acknowledged.size / took).toLocaleString('en'),
      p99.toFixed(1),
      title === 'no fault' ? Math.round(cpu / acknowledged.size) : '',
      (longestGapInMs / 1_000).toFixed(1),
      refused,
      acknowledged.size.toLocaleString('en'),
      lost,
    ];
    return `| ${fsync} | ${title} | ${cells.join(' | ')} |`;
  } finally {
    for (const disk of disks) await disk[Symbol.asyncDispose]();
  }
}

/** A server that just started may know too few of the others. */
async function addStream(manager: JetStreamManager): Promise<void> {
  for (const endsAt = performance.now() + ANSWERS_AGAIN_WITHIN_MS; ; await pause(200)) {
    try {
      await manager.streams.add({ name: STREAM, subjects: [STREAM], num_replicas: 3, retention: RetentionPolicy.Limits });
      return;
    } catch (error) {
      if (performance.now() > endsAt) throw error;
    }
  }
}

function cpuOfServers({ members }: Cluster): number {
  return members.reduce((sum, { server }) => sum + cpuOf(server.pid), 0);
}

/** How many of these messages the stream does not hold. */
async function countLost(connection: NatsConnection, acknowledged: ReadonlySet<string>): Promise<number> {
  const missing = new Set(acknowledged);
  const { state } = await infoOf(connection);
  if (state.messages === 0) return missing.size;
  await new Promise<void>((resolve, reject) => {
    const options = consumerOpts();
    options.orderedConsumer();
    options.deliverAll();
    options.callback((_, message) => {
      if (message === null) return;
      missing.delete(`${message.string().split('.', 1)[0]}.`);
      if (message.info.pending === 0) resolve();
    });
    connection.jetstream().subscribe(STREAM, options).catch(reject);
  });
  return missing.size;
}

/** After a power cut of all servers, the first questions have no answer. A replica that is behind would seem to have lost messages. */
async function infoOf(connection: NatsConnection): Promise<StreamInfo> {
  const manager = await connection.jetstreamManager();
  for (const endsAt = performance.now() + ANSWERS_AGAIN_WITHIN_MS; ; await pause(500)) {
    try {
      const info = await manager.streams.info(STREAM);
      if (info.cluster?.replicas?.every(({ current, lag = 0 }) => current && lag === 0)) return info;
      if (performance.now() > endsAt) throw new Error('a replica stays behind');
    } catch (error) {
      if (performance.now() > endsAt) throw error;
    }
  }
}
