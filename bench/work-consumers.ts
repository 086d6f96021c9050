import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AckPolicy, type ConsumerConfig, connect, type JetStreamManager, type NatsConnection, RetentionPolicy } from 'nats';
import { ensureServer } from '#src/main/nats-server/fetch.ts';
import { type Cluster, startCluster } from '#test/support/cluster/cluster.ts';
import { cpuOf, memoryOf } from './measure/processes.ts';
import { createReport } from './measure/report.ts';

/*
 * npm run bench:work-consumers [-- --consumers 200] [-- --messages 20000]
 *
 * Compares two kinds of consumers on a stream with three replicas: consumers with the replicas and the storage of the stream, and consumers
 * with one replica in memory. Prints for both: how long they take to open, the processor time and the memory of the three servers with and
 * without work, the Raft groups, and what happens to the consumers of a server that is lost.
 */

const STREAM = 'WORK';
const AT_ONCE = 16;
const ANSWER_WITHIN_MS = 10_000;
const IDLE_IN_MS = 10_000;
const GIVEN_UP_AFTER_S = 60;
const option = (name: string, otherwise: number): number => {
  const index = process.argv.indexOf(`--${name}`);
  return index === -1 ? otherwise : Number(process.argv[index + 1]);
};
const count = option('consumers', 200);
const messages = option('messages', 20_000);
const kinds: Readonly<Record<string, Partial<ConsumerConfig>>> = {
  'three replicas, file': {},
  'one replica, memory': { num_replicas: 1, mem_storage: true },
};
/** What the servers answered while a consumer was replaced. */
const refusals = new Set<string>();
process.on('exit', () => {
  for (const one of refusals) report.say(`while a consumer was replaced: ${one}`);
});
const report = createReport();
const pause = (inMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, inMs));
const only = process.argv.includes('--only') ? (process.argv[process.argv.indexOf('--only') + 1] ?? '') : '';
const names = Array.from({ length: count }, (_, index) => `c${index}`);

const { bin, version } = await ensureServer();
report.say(`nats-server ${version}, ${count} consumers, ${messages} messages`);
for (const [title, config] of Object.entries(kinds)) if (title.includes(only)) await measure(title, config);

async function measure(title: string, config: Partial<ConsumerConfig>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-consumers-'));
  await using cluster = await startCluster(bin, folder);
  const nats = await connect({ servers: [...cluster.urls], maxReconnectAttempts: -1, reconnectTimeWait: 100 });
  const manager = await nats.jetstreamManager({ timeout: ANSWER_WITHIN_MS });
  await manager.streams.add({ name: STREAM, subjects: ['work.>'], num_replicas: 3, retention: RetentionPolicy.Limits });
  const used = usageOf(cluster);
  const figure = (what: string, value: number, unit: string): void => report.figure(`${title}: ${what}`, value, unit);

  const startedAt = performance.now();
  const opening = used();
  await forAll((name) => manager.consumers.add(STREAM, configOf(name, config)));
  figure('opening, wall time a consumer', (performance.now() - startedAt) / count, 'ms');
  figure('opening, processor time of the servers a consumer', opening() / count / 1_000, 'ms');
  const idle = used();
  await pause(IDLE_IN_MS);
  figure('idle, processor time of the servers', idle() / IDLE_IN_MS / 10, '% of a core');
  figure('memory of the servers', cluster.members.reduce((sum, { server }) => sum + memoryOf(server.pid), 0) / 1e6, 'MB');
  figure('Raft groups of a server', (await raftGroupsOf(cluster)) ?? Number.NaN, '');

  for (let index = 0; index < messages; index += 64)
    await Promise.all(
      Array.from({ length: Math.min(64, messages - index) }, (_, of) =>
        nats.request(`work.${names[(index + of) % count]}`, 'x'.repeat(200)),
      ),
    );
  const drainedAt = performance.now();
  const draining = used();
  await forAll((name) => drain(nats, name));
  figure('delivered and acknowledged a second', (messages / (performance.now() - drainedAt)) * 1_000, '/s');
  figure('processor time of the servers a message', draining() / messages, 'µs');
  await loseServer({ title, config, cluster, nats, manager });
  await nats.close();
  await rm(folder, { recursive: true, force: true });
}

type Lost = { title: string; config: Partial<ConsumerConfig>; cluster: Cluster; nats: NatsConnection; manager: JetStreamManager };

/** Kills a server that leads a consumer, for ever, and measures when messages of its consumers are delivered again. */
async function loseServer({ title, config, cluster, nats, manager }: Lost): Promise<void> {
  const leaders = await Promise.all(names.map(async (name) => (await manager.consumers.info(STREAM, name)).cluster?.leader ?? ''));
  const log = (await manager.streams.info(STREAM)).cluster?.leader;
  const lost = cluster.members.find(({ server }) => server.name !== log && leaders.includes(server.name)) ?? cluster.members[0];
  const held = names.filter((_, index) => leaders[index] === lost?.server.name);
  await lost?.server.end('SIGKILL');
  const lostAt = performance.now();
  const since = (): number => (performance.now() - lostAt) / 1_000;
  await publishUntilStored(nats, held[0] ?? '');
  report.figure(`${title}: consumers on the lost server`, held.length, '');
  report.figure(`${title}: the stream stores again after`, since(), 's');
  await Promise.all(held.map((name) => publishUntilStored(nats, name)));
  const isReplicated = config.num_replicas !== 1;
  const gaps = await Promise.all(
    held.map(async (name) => {
      // A consumer with one replica is gone with its server. It is opened again on another one, as the scheduler would.
      if (!isReplicated) await replace(manager, name, config);
      while (since() < GIVEN_UP_AFTER_S) {
        if (await takesOne(nats, name)) return since();
        await pause(50);
      }
      return Number.POSITIVE_INFINITY;
    }),
  );
  report.figure(`${title}: the last of them delivers again after`, Math.max(0, ...gaps), 's');
}

async function replace(manager: JetStreamManager, name: string, config: Partial<ConsumerConfig>): Promise<void> {
  for (const endsAt = performance.now() + GIVEN_UP_AFTER_S * 1_000; performance.now() < endsAt; ) {
    try {
      await manager.consumers.delete(STREAM, name).catch((error: unknown) => {
        if (refusals.size < 5) refusals.add(String(error));
      });
      await manager.consumers.add(STREAM, configOf(name, config));
      return;
    } catch (error) {
      if (refusals.size < 5) refusals.add(String(error));
      await pause(200);
    }
  }
}

function configOf(name: string, config: Partial<ConsumerConfig>): Partial<ConsumerConfig> {
  return {
    durable_name: name,
    filter_subject: `work.${name}`,
    ack_policy: AckPolicy.Explicit,
    max_ack_pending: 50_000,
    max_waiting: 512,
    ...config,
  };
}

async function publishUntilStored(nats: NatsConnection, name: string): Promise<void> {
  for (const endsAt = performance.now() + GIVEN_UP_AFTER_S * 1_000; performance.now() < endsAt; ) {
    const reply = await nats.request(`work.${name}`, 'y', { timeout: 1_000 }).catch(() => undefined);
    if (reply !== undefined && (reply.json() as { error?: object }).error === undefined) return;
    await pause(50);
  }
}

/** Whether a pull of one message gets one within a second. */
async function takesOne(nats: NatsConnection, name: string): Promise<boolean> {
  const found = await nats
    .request(`$JS.API.CONSUMER.MSG.NEXT.${STREAM}.${name}`, JSON.stringify({ batch: 1, expires: 900_000_000 }), {
      timeout: 2_000,
      noMux: true,
    })
    .catch(() => undefined);
  if (found === undefined || found.reply === undefined || found.headers?.code) return false;
  nats.publish(found.reply, '+ACK');
  return true;
}

async function drain(nats: NatsConnection, name: string): Promise<void> {
  const own = Math.ceil(messages / count);
  const inbox = `_INBOX.${name}.${Math.random().toString(36).slice(2)}`;
  const subscription = nats.subscribe(inbox);
  let left = own - Number(names.indexOf(name) >= messages % count && messages % count > 0);
  nats.publish(`$JS.API.CONSUMER.MSG.NEXT.${STREAM}.${name}`, JSON.stringify({ batch: left }), { reply: inbox });
  for await (const message of subscription) {
    nats.publish(message.reply ?? '', '+ACK');
    if (--left === 0) break;
  }
  await nats.flush();
}

async function forAll(work: (name: string) => Promise<unknown>): Promise<void> {
  const waiting = [...names];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) await work(name);
    }),
  );
}

/** Returns a function that returns the processor time of the servers since then, in microseconds. */
function usageOf({ members }: Cluster): () => () => number {
  const sum = (): number => members.reduce((total, { server }) => total + cpuOf(server.pid), 0);
  return () => {
    const before = sum();
    return () => sum() - before;
  };
}

async function raftGroupsOf({ members }: Cluster): Promise<number | undefined> {
  const answer = await members[0]?.server.ask<Record<string, Record<string, unknown>>>('/raftz?acc=$G');
  return answer && Object.values(answer).reduce((sum, groups) => sum + Object.keys(groups).length, 0);
}
