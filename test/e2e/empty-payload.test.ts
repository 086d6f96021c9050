import { describe, expect } from 'vitest';
import type { SequentClient } from '#src/client/client.ts';
import { test } from '#test/support/fixtures.ts';
import type { LogWatch } from '#test/support/log/log-watch.ts';

const file = new URL('../support/e2e/functions.mjs', import.meta.url).pathname;
const refusing = test.extend('serveSettings', { SEQUENT_EMPTY_PAYLOAD: 'refuse' });

/** Publishes a request without a payload, as a NATS client without Sequent does. Resolves to the types of the facts, and the failure. */
async function publishEmpty(client: SequentClient, log: LogWatch) {
  await client.functions.put({ name: 'second', handler: { kind: 'process', file, export: 'slowly' }, policy: { maxRetries: 3 } });
  const { seq } = await log.connection.nats.jetstream().publish('invoke.second');
  const { fact } = (await log.ports.log.readRequest(seq))?.requests[0] ?? {};
  const id = fact?.invocation ?? '';
  await log.untilNotified([id]);
  const facts = log.facts.get(id) ?? [];
  return { types: facts.map(({ type }) => type), failed: facts.find((one) => one.type === 'failed') };
}

describe('a request over NATS with an empty payload', () => {
  test('runs with the event {} by default', async ({ client, log }) => {
    expect((await publishEmpty(client, log)).types).toEqual(['queued', 'running', 'succeeded', 'notified']);
  });

  refusing('is refused with --empty-payload refuse, while one with {} runs', async ({ client, log }) => {
    const { types, failed } = await publishEmpty(client, log);
    expect(types).toEqual(['queued', 'failed', 'notified']);
    expect(failed).toMatchObject({ condition: 'InvalidPayload', failure: { message: expect.stringContaining('the payload is empty') } });
    expect((await (await client.invoke('second', {})).result()).outcome).toBe('succeeded');
  });
});
