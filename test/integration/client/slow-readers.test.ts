import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { followLiveResults, MAX_ARRIVED, subscribeToResults } from '#src/client/invoke/result-subscription.ts';
import type { Envelope } from '#src/core/log/envelope.ts';
import type { FunctionName, RequestId, StreamId } from '#src/core/names/names.ts';
import { subjects } from '#src/core/names/subjects.ts';
import { RESULTS } from '#src/nats/wire/topology.ts';
import { type OpenedNats, openNats } from '#test/support/nats/opened-nats.ts';

const COUNT = 2.5 * MAX_ARRIVED;
let nats: OpenedNats;
beforeAll(async () => {
  nats = await openNats(inject('natsUrl'));
});
afterAll(async () => {
  await nats?.[Symbol.asyncDispose]();
});

const idOf = (number: number): RequestId => `result-${number}` as RequestId;

function envelopeOf(name: string, id: string): string {
  const function_urn = `urn:fss:local:default:function:default:${name}`;
  const envelope: Envelope = {
    timestamp: '2026-01-01T00:00:00Z',
    request_context: { request_id: id, function_urn, condition: 'Success', approximate_invoke_count: 1 },
    request_payload: '{}',
    response_context: { status_code: 200, function_error: '' },
    response_payload: '1',
  };
  return JSON.stringify(envelope);
}

async function publishMany(name: FunctionName): Promise<void> {
  const numbers = Array.from({ length: COUNT }, (_, number) => number);
  for (const number of numbers) {
    const id = idOf(number);
    await nats.ports.results.publish({ function: name, stream: id as string as StreamId }, id, 'succeeded', envelopeOf(name, id));
  }
}

async function readAll(results: AsyncIterable<unknown>): Promise<void> {
  let count = 0;
  for await (const _ of results) if (++count === COUNT) return;
}

/** How many messages the server has delivered to the consumer of a subject. */
async function countDelivered(subject: string): Promise<number> {
  for await (const { delivered, config } of nats.connection.manager.consumers.list(RESULTS))
    if (config.filter_subject === subject) return delivered.consumer_seq;
  return 0;
}

describe('a reading loop that stands still', () => {
  const reading = { open: (envelope: Envelope) => envelope, closing: new AbortController().signal };

  test('has a thousand outcomes delivered at most, and reads all of them later, in order', async () => {
    const name = 'slow-by-log' as FunctionName;
    const { state } = await nats.connection.manager.streams.info(RESULTS);
    await publishMany(name);
    const from = state.last_seq + 1;
    const results = await subscribeToResults(nats.connection, { ...reading, subject: subjects.result(name, '*'), from });
    const ids: string[] = [];
    let delivered = 0;
    for await (const { requestId } of results) {
      if (ids.push(requestId) === 1) {
        // A loop that reads meanwhile gets all outcomes: the server had the time to deliver them to this one.
        await readAll(await subscribeToResults(nats.connection, { ...reading, subject: subjects.result(name, 'succeeded'), from }));
        delivered = await countDelivered(subjects.result(name, '*'));
      }
      if (ids.length === COUNT) break;
    }
    expect(delivered).toBeGreaterThan(0);
    expect(delivered).toBeLessThanOrEqual(MAX_ARRIVED + 1);
    expect(ids).toEqual(Array.from({ length: COUNT }, (_, number) => idOf(number)));
  });

  test('ends with SLOW_READER when the server does not wait for it', async () => {
    const name = 'slow-live' as FunctionName;
    const results = await followLiveResults(nats.connection, { ...reading, name, outcome: undefined });
    await publishMany(name);
    await nats.connection.nats.flush();
    const read = async (): Promise<void> => {
      for await (const _ of results);
    };
    await expect(read()).rejects.toMatchObject({ code: 'SLOW_READER', message: expect.stringContaining('"slow-live"') });
  });
});
