import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { connectClient, type SequentClient } from '#src/client/client.ts';
import { type OpenedNats, openNats } from '#test/support/nats/opened-nats.ts';

/** More than the ten listeners for which Node warns of a leak: the test run fails when Node does so. */
const READERS = 12;
let nats: OpenedNats;
let client: SequentClient;
beforeAll(async () => {
  nats = await openNats(inject('natsUrl'));
  client = await connectClient({ servers: inject('natsUrl') });
});
afterAll(async () => {
  await client?.close();
  await nats?.[Symbol.asyncDispose]();
});

describe('one client', () => {
  test('has any number of open subscriptions, and ends all of them when it closes', async () => {
    const other = await connectClient({ servers: inject('natsUrl') });
    const subscriptions = await Promise.all(Array.from({ length: READERS }, () => other.subscribe('many-readers')));
    const reads = subscriptions.map((results) => collect(results));
    await other.close();
    expect(await Promise.all(reads)).toEqual(Array(READERS).fill([]));
  });

  test('follows the log any number of times, one after the other', async () => {
    for (let count = 0; count < READERS; count++) {
      const stop = new AbortController();
      const following = client.follow('now', () => {}, stop.signal);
      stop.abort();
      await following;
    }
  });

  test('does not follow the log when the signal is aborted already', async () => {
    await client.follow(1, () => {}, AbortSignal.abort());
  });
});

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}
