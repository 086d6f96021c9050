import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { subjects } from '#src/core/names/subjects.ts';
import { readStored } from '#src/nats/streams/log/read-stored.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import { newStream } from '#test/support/log/opened-log.ts';
import { type OpenedNats, openNats } from '#test/support/nats/opened-nats.ts';

const MESSAGES = 30;
const { function: name } = newStream(`stored-${process.pid}`);
const subject = subjects.invoke(name);

let opened: OpenedNats;
beforeAll(async () => {
  opened = await openNats(inject('natsUrl'));
  for (let index = 0; index < MESSAGES; index++) await opened.ports.log.accept({ ...newStream(), function: name }, [{ payload: '1' }]);
});
afterAll(() => opened[Symbol.asyncDispose]());

/** A connection whose first consumers count only a part of the messages, as on a replica that is behind. */
function withReplicaBehind({ connection }: OpenedNats, counts: number[]): Connection {
  const { consumers } = connection.manager;
  const add: typeof consumers.add = async (...given) => {
    const info = await consumers.add(...given);
    return { ...info, num_pending: Math.min(info.num_pending, counts.shift() ?? info.num_pending) };
  };
  const behind = { add, delete: consumers.delete.bind(consumers) };
  const manager = { consumers: behind, streams: connection.manager.streams } as unknown as Connection['manager'];
  return { ...connection, manager };
}

async function read(connection: Connection, from?: number): Promise<number[]> {
  const found: number[] = [];
  for await (const { seq } of readStored(connection, INVOCATIONS, { subject, ...(from === undefined ? {} : { from }) })) found.push(seq);
  return found;
}

describe('a read of the stored messages of a stream', () => {
  test('is whole, and in order, from any sequence', async () => {
    const all = await read(opened.connection);
    expect(all).toHaveLength(MESSAGES);
    expect(all).toEqual([...all].sort((one, other) => one - other));
    expect(await read(opened.connection, all[10])).toEqual(all.slice(10));
    expect(await read(opened.connection, (all.at(-1) ?? 0) + 1)).toEqual([]);
  });

  test('goes on when a consumer counts a part of the messages, or none (J8)', async () => {
    const all = await read(opened.connection);
    expect(await read(withReplicaBehind(opened, [7, 0, 0, 5]))).toEqual(all);
  });

  test('receives a page of bytes only, until the reader has processed it', async () => {
    const large = newStream(`large-${process.pid}`).function;
    const payload = JSON.stringify('x'.repeat(250_000));
    const count = 130;
    for (let index = 0; index < count; index++) await opened.ports.log.accept({ ...newStream(), function: large }, [{ payload }]);
    const { nats } = opened.connection;
    const before = nats.stats().inBytes;
    let received = 0;
    let processed = 0;
    let most = 0;
    for await (const { data } of readStored(opened.connection, INVOCATIONS, { subject: subjects.invoke(large) })) {
      // The server answers a ping after all that it has sent before.
      if (received % 20 === 0) for (let pings = 0; pings < 3; pings++) await nats.flush();
      most = Math.max(most, nats.stats().inBytes - before - processed);
      processed += data.length;
      received++;
    }
    expect(received).toBe(count);
    expect(most).toBeLessThan(6 * 1_024 * 1_024);
  });

  test('reads messages that are larger than a page', async () => {
    const subjectOfLarge = subjects.invoke(newStream(`huge-${process.pid}`).function);
    // With its subject, a message of this size is larger than a page.
    const text = 'x'.repeat(opened.connection.nats.info?.max_payload ?? 0);
    for (let index = 0; index < 108; index++) await opened.connection.jetstream.publish(subjectOfLarge, index < 3 ? text : 'x');
    const sizes: number[] = [];
    for await (const { data } of readStored(opened.connection, INVOCATIONS, { subject: subjectOfLarge })) sizes.push(data.length);
    expect(sizes).toEqual([...Array.from({ length: 3 }, () => text.length), ...Array.from({ length: 105 }, () => 1)]);
    expect(text.length).toBeGreaterThan(4_000_000);
  });
});
