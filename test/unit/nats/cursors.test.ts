import { NatsError } from 'nats';
import { expect, test } from 'vitest';
import { openCursor } from '#src/nats/streams/feeds/cursors.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';

function apiError(code: number, description: string): NatsError {
  const error = new NatsError(description, '400');
  error.api_error = { code: 400, err_code: code, description };
  return error;
}

type Present = { ack_wait: number; metadata: Record<string, string> };

/** A server on which another subscriber creates the consumer after this one found none. No real server does so on demand. */
function overtakingServer(created: Present): { connection: Connection; updates: object[] } {
  let present: Present | undefined;
  const updates: object[] = [];
  const consumers = {
    info: async () => {
      if (present === undefined) throw apiError(10_014, 'consumer not found');
      return { config: present };
    },
    add: async () => {
      present = created;
      throw apiError(10_148, 'consumer already exists');
    },
    update: async (_stream: string, _name: string, change: object) => void updates.push(change),
  };
  return { connection: { manager: { consumers } } as unknown as Connection, updates };
}

const options = { durable: 'bill', from: 1, follows: 'orders', ackWaitInMs: 30_000 };
const ACK_WAIT = 30_000_000_000;

test('a cursor that another subscriber creates at the same time with another filter is refused', async () => {
  const { connection } = overtakingServer({ ack_wait: ACK_WAIT, metadata: { 'sequent-follows': 'payments' } });
  await expect(openCursor(connection, options)).rejects.toMatchObject({
    code: 'WRONG_STATE',
    message: 'the cursor "bill" follows payments, not orders; use another name, or remove the cursor',
  });
});

test('a cursor that another subscriber creates at the same time with the same filter is shared', async () => {
  const { connection, updates } = overtakingServer({ ack_wait: 1, metadata: { 'sequent-follows': 'orders' } });
  expect(await openCursor(connection, { ...options, subject: 'invoke.orders' })).toBe('subscriber-bill');
  expect(updates).toEqual([{ ack_wait: ACK_WAIT }]);
});
