import { randomBytes } from 'node:crypto';
import { headers } from 'nats';
import { type ClientOptions, connectClient, type SequentClient } from '#src/client/client.ts';
import { createStreamId } from '#src/core/names/ids.ts';
import { type Connection, openConnection } from '#src/nats/transport/connection/connection.ts';
import { createPublisher, type Publisher } from '#src/nats/transport/publisher.ts';

/** The load: publishes requests, and receives every result on a second connection. */
export interface Load {
  /** Appends per second through one connection: 300 bytes, an expected sequence, and a new subject each. */
  rawCeiling(count: number): Promise<number>;
  /** Invocations per second, from the first publish until a subscriber has every result. `padding`: bytes more in each event. */
  singles(name: string, count: number, padding?: number): Promise<number>;
  batches(name: string, count: number, event?: (number: number) => object): Promise<number>;
  /** Chains of two functions per second, until a subscriber has the results of both. */
  chains(name: string, count: number): Promise<number>;
  /** Milliseconds from publish to result, at a steady rate. */
  latencies(name: string, count: number, perSecond: number, how: 'raw' | 'client'): Promise<number[]>;
  close(): Promise<void>;
}

/** How many requests are on their way, if they are sent one by one. */
export const IN_FLIGHT = 1_024;

export async function openLoad(url: string, options: Pick<ClientOptions, 'encryptionKeys'> = {}): Promise<Load> {
  const connection = await openConnection({ servers: url, name: 'bench-load' });
  const subscribed = await openConnection({ servers: url, name: 'bench-subscriber' });
  const publisher = createPublisher(connection, { timeoutInMs: 60_000 });
  const client = await connectClient({ ...options, servers: url });
  const results = receiveResults(subscribed);
  return {
    rawCeiling: (count) => measureCeiling(publisher, count),
    singles: (name, count, padding) => results.rate(count, () => publishSingles(publisher, name, count, padding)),
    chains: async (name, count) => (await results.rate(2 * count, () => publishSingles(publisher, name, count))) / 2,
    batches: (name, count, event = (i) => ({ i })) =>
      results.rate(count, async () => {
        const flow = createFlow(IN_FLIGHT);
        for (let i = 0; i < count; i++) {
          await flow.enter();
          void client.invoke(name, event(i)).then(flow.leave);
        }
      }),
    latencies: (name, count, perSecond, how) => measureLatencies({ publisher, client, results, name, count, perSecond, how }),
    async close() {
      publisher.close();
      await client.close();
      await connection.close();
      await subscribed.close();
    },
  };
}

async function publishSingles(publisher: Publisher, name: string, count: number, padding = 0): Promise<void> {
  const flow = createFlow(IN_FLIGHT);
  const rest = padding === 0 ? '' : `,"padding":"${'x'.repeat(padding)}"`;
  for (let i = 0; i < count; i++) {
    await flow.enter();
    void publisher.publish(`invoke.${name}`, `{"i":${i}${rest}}`).then(flow.leave);
  }
}

async function measureCeiling(publisher: Publisher, count: number): Promise<number> {
  const flow = createFlow(IN_FLIGHT);
  const payload = 'x'.repeat(300);
  const startedAt = performance.now();
  for (let i = 0; i < count; i++) {
    await flow.enter();
    const found = headers();
    found.set('Nats-Expected-Last-Subject-Sequence', '0');
    void publisher.publish(`invocation.raw.${createStreamId(Date.now(), randomBytes(8))}`, payload, found).then(flow.leave);
  }
  await flow.empty();
  return (count / (performance.now() - startedAt)) * 1_000;
}

type Flow = { enter(): Promise<void> | undefined; leave(): void; empty(): Promise<void> };

/** Lets at most so many be on their way. */
export function createFlow(max: number): Flow {
  let count = 0;
  let resume = (): void => {};
  return {
    enter() {
      count++;
      return count <= max ? undefined : new Promise((resolve) => (resume = resolve));
    },
    leave() {
      count--;
      if (count < max) resume();
    },
    async empty() {
      while (count > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    },
  };
}

type Results = {
  rate(count: number, send: () => Promise<void>): Promise<number>;
  onResult(listener: (requestId: string) => void): () => void;
};

function receiveResults({ nats }: Connection): Results {
  let count = 0;
  let listener: ((requestId: string) => void) | undefined;
  let reached = { count: Number.POSITIVE_INFINITY, resolve: (): void => {} };
  nats.subscribe('result.*.*', {
    callback: (_, message) => {
      count++;
      listener?.(message.headers?.get('Request-Id') ?? '');
      if (count >= reached.count) reached.resolve();
    },
  });
  return {
    async rate(expected, send) {
      await nats.flush();
      count = 0;
      const all = new Promise<void>((resolve) => {
        reached = { count: expected, resolve };
      });
      const startedAt = performance.now();
      await Promise.all([send(), all]);
      return (expected / (performance.now() - startedAt)) * 1_000;
    },
    onResult(next) {
      listener = next;
      return () => {
        listener = undefined;
      };
    },
  };
}

type LatencyOptions = {
  publisher: Publisher;
  client: SequentClient;
  results: Results;
  name: string;
  count: number;
  perSecond: number;
  how: 'raw' | 'client';
};

async function measureLatencies({ publisher, client, results, name, count, perSecond, how }: LatencyOptions): Promise<number[]> {
  const arrivals = new Map<string, number>();
  const end = results.onResult((id) => arrivals.set(id, performance.now()));
  const sent: { id: string; at: number }[] = [];
  const begin = performance.now();
  for (let i = 0; i < count; i++) {
    const wait = begin + (i * 1_000) / perSecond - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    const at = performance.now();
    if (how === 'client') {
      void client.invoke(name, { i }).then(({ requestId }) => sent.push({ id: requestId, at }));
      continue;
    }
    const id = createStreamId(Date.now(), randomBytes(8));
    const found = headers();
    found.set('Request-Id', id);
    void publisher.publish(`invoke.${name}`, `{"i":${i}}`, found);
    sent.push({ id, at });
  }
  while (arrivals.size < count) await new Promise((resolve) => setTimeout(resolve, 5));
  end();
  return sent.map(({ id, at }) => (arrivals.get(id) ?? Number.NaN) - at).sort((a, b) => a - b);
}
