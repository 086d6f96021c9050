import { steadily } from '#src/cli/commands/storm/load.ts';
import { type SequentClient as Client, connectClient } from '#src/client/client.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { Journal } from '#src/judge/collect.ts';
import { defineStorm, eventFor, FUNCTIONS } from './load-functions.ts';
import { type Acknowledged, createVariedLoad, type VariedLoad } from './varied-load.ts';

const BATCH = 4;

/** Sends requests at a steady rate, without waiting for earlier ones, and records when each was acknowledged. */
export interface Load extends AsyncDisposable {
  readonly client: Client;
  readonly acknowledged: readonly Acknowledged[];
  /** What the judge reads: the same requests, and those of unknown outcome. */
  readonly journal: Journal;
  readonly varied: VariedLoad;
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
  const clients = await Promise.all(
    urls.map((url) => connectClient({ servers: [url, ...urls], noRandomize: true, acceptWithinMs: 30_000 })),
  );
  const client = clients[0] as Client;
  await defineStorm(client, options);
  const acknowledged: Acknowledged[] = [];
  const journal = new Journal();
  const pending = new Set<Promise<void>>();
  let unknown = 0;
  let count = 0;
  const record = (fn: string, ids: readonly string[]): void => {
    for (const id of ids) acknowledged.push({ id, function: fn, at: performance.now() });
  };
  const varied = createVariedLoad({
    client,
    acknowledged,
    onAcknowledged: (fn, ids) => {
      record(fn, ids);
      journal.acknowledged(fn, ids);
    },
  });
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;

  function track(fn: string, sent: Promise<readonly string[]>): void {
    const recorded = journal.record('submit', { function: fn }, () => sent, { seen: (ids) => ({ ids }) });
    const tracked: Promise<void> = recorded
      .then(
        (ids) => record(fn, ids),
        () => unknown++,
      )
      .then(() => void pending.delete(tracked));
    pending.add(tracked);
  }

  function sendOne(): void {
    const fn = pick(FUNCTIONS);
    const event = eventFor(fn, count, random);
    const priority = Math.floor(random() * 10);
    const kind = random();
    const id = `s-${count++}`;
    const one = pick(clients);
    // The lines of one message are small.
    if (kind < 0.15 && !('text' in event)) {
      const many = one.invokeMany(
        fn,
        Array.from({ length: BATCH }, () => event),
        { priority },
      );
      track(
        fn,
        many.then((accepted) => accepted.map(({ requestId }) => requestId)),
      );
    } else if (kind < 0.35) track(fn, post({ gateways, fn, id, event }));
    else {
      const send = async (): Promise<readonly string[]> => [(await one.invoke(fn, event, { id, priority })).requestId];
      track(fn, send());
      // Two items of one stream reach two workers.
      if (kind > 0.95) track(fn, send());
    }
  }

  return {
    client,
    acknowledged,
    journal,
    varied,
    get unknown() {
      return unknown;
    },
    async send(until) {
      const stop = new AbortController();
      const ending = until.finally(() => stop.abort());
      await Promise.all([varied.run(stop.signal), steadily(perSecond / (1 + 0.15 * (BATCH - 1)), sendOne, stop.signal), ending]);
      await Promise.all(pending);
    },
    async [Symbol.asyncDispose]() {
      for (const one of clients) await one.close();
    },
  };
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
