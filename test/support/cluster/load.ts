import { type SequentClient as Client, connectClient } from '#src/client/client.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { Journal } from '#test/judge/collect.ts';
import { toFunction } from '#test/support/destinations/delivering-system.ts';

/** Functions of the storm: without destinations, with retries, with a following function, with an HTTP destination. */
const FUNCTIONS = ['plain', 'retried', 'chained', 'posted'] as const;
const CHILD = 'child';
const TICK_IN_MS = 100;
const BATCH = 4;

/** An acknowledged request. */
export type Acknowledged = { id: string; function: string; at: number };

/** Sends requests at a steady rate, without waiting for earlier ones, and records when each was acknowledged. */
export interface Load extends AsyncDisposable {
  readonly client: Client;
  readonly acknowledged: readonly Acknowledged[];
  /** What the judge reads: the same requests, and those of unknown outcome. */
  readonly journal: Journal;
  /** Sends until the promise settles. Resolves when every request is acknowledged or failed. */
  send(until: Promise<unknown>): Promise<void>;
  /** How many requests had no acknowledgement in the end. Their outcome is unknown. */
  readonly unknown: number;
}

export type LoadOptions = {
  urls: readonly string[];
  gateways: () => string[];
  executions: string;
  receiverUrl: string;
  perSecond: number;
  random: () => number;
};

export async function openLoad(options: LoadOptions): Promise<Load> {
  const { urls, gateways, perSecond, random } = options;
  // Each client starts at another server.
  const clients = await Promise.all(urls.map((url) => connectClient({ servers: [url, ...urls], noRandomize: true })));
  const client = clients[0] as Client;
  await defineFunctions(client, options);
  const acknowledged: Acknowledged[] = [];
  const journal = new Journal();
  const pending = new Set<Promise<void>>();
  let unknown = 0;
  let count = 0;
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;

  function track(fn: string, sent: Promise<readonly string[]>): void {
    const recorded = journal.record(
      'submit',
      { function: fn },
      () => sent,
      (ids) => ({ ids }),
    );
    const tracked: Promise<void> = recorded
      .then(
        (ids) => acknowledged.push(...ids.map((id) => ({ id, function: fn, at: performance.now() }))),
        () => unknown++,
      )
      .then(() => void pending.delete(tracked));
    pending.add(tracked);
  }

  function sendOne(): void {
    const fn = pick(FUNCTIONS);
    const event = { fails: fn === 'retried' && count % 3 === 0 };
    const kind = random();
    const id = `s-${count++}`;
    const one = pick(clients);
    if (kind < 0.15) {
      const many = one.invokeMany(
        fn,
        Array.from({ length: BATCH }, () => event),
      );
      track(
        fn,
        many.then((accepted) => accepted.map(({ requestId }) => requestId)),
      );
    } else if (kind < 0.35) track(fn, post({ gateways, fn, id, event }));
    else
      track(
        fn,
        one.invoke(fn, event, { id }).then(({ requestId }) => [requestId]),
      );
  }

  return {
    client,
    acknowledged,
    journal,
    get unknown() {
      return unknown;
    },
    async send(until) {
      const perTick = (perSecond * TICK_IN_MS) / 1_000 / (1 + 0.15 * (BATCH - 1));
      let isOver = false;
      const ending = until.finally(() => {
        isOver = true;
      });
      for (let due = 0; !isOver; await Promise.race([systemClock.sleep(TICK_IN_MS), ending])) {
        for (due += perTick; due >= 1; due--) sendOne();
      }
      await Promise.all(pending);
    },
    async [Symbol.asyncDispose]() {
      for (const one of clients) await one.close();
    },
  };
}

async function defineFunctions(client: Client, { executions, receiverUrl }: LoadOptions): Promise<void> {
  const file = new URL('functions.mjs', import.meta.url).pathname;
  const common = { handler: { kind: 'process', file, export: 'record' }, concurrency: 32, userData: { executions } } as const;
  await client.functions.put({ name: CHILD, ...common });
  await client.functions.put({ name: 'plain', ...common });
  const backoff = { initialInMs: 200, factor: 2, maxInMs: 2_000, jitter: 0.5 };
  await client.functions.put({ name: 'retried', ...common, policy: { maxRetries: 3, backoff } });
  await client.functions.put({ name: 'chained', ...common, policy: { onSuccess: [toFunction(CHILD)] } });
  const onSuccess = [{ destination: 'HTTP', param: { url: `${receiverUrl}/hook` } } as const];
  await client.functions.put({ name: 'posted', ...common, policy: { onSuccess } });
}

type Post = { gateways: () => string[]; fn: string; id: string; event: object };

/** Posts with one key to one gateway after the other until one accepts. A key makes the repetition safe. */
async function post({ gateways, fn, id, event }: Post): Promise<string[]> {
  const headers = { 'content-type': 'application/json', prefer: 'respond-async', 'idempotency-key': id };
  for (let tries = 0; tries < 60; tries++) {
    const urls = gateways();
    const url = `${urls[tries % urls.length]}/api/functions/${fn}/invocations`;
    const request = { method: 'POST', headers, body: JSON.stringify(event), signal: AbortSignal.timeout(15_000) };
    const response = await fetch(url, request).catch(() => undefined);
    if (response?.status === 202) return [((await response.json()) as { request_id: string }).request_id];
    await response?.body?.cancel();
    await systemClock.sleep(500);
  }
  throw new Error(`no gateway accepted ${id}`);
}
