import { ErrorCode, type Msg, NatsError } from 'nats';
import { describe, expect, test } from 'vitest';
import type { StreamId } from '#src/core/names/names.ts';
import { createNatsOpenRequests } from '#src/nats/questions/open-requests.ts';
import type { Connection } from '#src/nats/transport/connection.ts';

const absent = NatsError.errorForCode(ErrorCode.NoResponders);
const silence = NatsError.errorForCode(ErrorCode.Timeout);

/** A connection on which each request gets the next reply: an error, or the value of an answer. The last reply is repeated. */
function connectionThat(...replies: unknown[]) {
  const waits: number[] = [];
  const request = async (_subject: string, _question: string, { timeout }: { timeout: number }): Promise<Msg> => {
    waits.push(timeout);
    const reply = replies.length > 1 ? replies.shift() : replies[0];
    if (reply instanceof Error) throw reply;
    return { json: () => reply } as unknown as Msg;
  };
  const refusals = { explain: () => new Error('the user lacks a permission') };
  return { connection: { nats: { request }, refusals } as unknown as Connection, waits };
}

describe('the question for an open request', () => {
  const id = 'order-1' as StreamId;
  const find = (connection: Connection, patience?: { timeoutInMs: number }) =>
    createNatsOpenRequests(connection).find(id, undefined, patience);
  const open = { function: 'orders', request: 3 };

  test('has the answer "none" at once when no scheduler runs', async () => {
    const { connection, waits } = connectionThat(absent);
    expect(await find(connection)).toEqual([]);
    expect(waits).toHaveLength(1);
  });

  test('has the answer "none" when a scheduler says so', async () => {
    expect(await find(connectionThat(null).connection)).toEqual([]);
  });

  test('is asked again while a scheduler does not answer', async () => {
    const { connection } = connectionThat(silence, silence, open);
    expect(await find(connection)).toEqual([{ name: { function: 'orders', stream: id }, request: 3 }]);
  });

  test('has no answer when a scheduler is silent for ten seconds (A1)', async () => {
    const { connection, waits } = connectionThat(silence);
    await expect(find(connection)).rejects.toMatchObject({ code: 'NO_ANSWER', retryable: true });
    expect(waits.reduce((sum, wait) => sum + wait, 0)).toBe(10_000);
  });

  test('waits for a silent scheduler no longer than its caller', async () => {
    const { connection, waits } = connectionThat(silence);
    await expect(find(connection, { timeoutInMs: 2_000 })).rejects.toMatchObject({ code: 'NO_ANSWER' });
    expect(waits).toEqual([1_000, 1_000]);
  });

  test('has no answer when the answer cannot be read, or the question may not be asked', async () => {
    await expect(find(connectionThat('garbage').connection)).rejects.toMatchObject({ code: 'NO_ANSWER' });
    const refused = new NatsError('permissions violation', ErrorCode.PermissionsViolation);
    await expect(find(connectionThat(refused).connection)).rejects.toThrow('the user lacks a permission');
  });
});
