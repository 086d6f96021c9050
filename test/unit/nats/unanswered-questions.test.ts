import { ErrorCode, type Msg, NatsError } from 'nats';
import { describe, expect, test } from 'vitest';
import type { StreamId } from '#src/core/names/names.ts';
import { createNatsConnectionsControl } from '#src/nats/questions/connections-control.ts';
import { createNatsDestinationCheck } from '#src/nats/questions/destination-check.ts';
import { createNatsHistory } from '#src/nats/questions/history-service.ts';
import { createNatsOpenRequests } from '#src/nats/questions/open-requests.ts';
import { createNatsRoleInstances } from '#src/nats/questions/role-instances.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';

const absent = NatsError.errorForCode(ErrorCode.NoResponders);
const silence = NatsError.errorForCode(ErrorCode.Timeout);

/** A service or a subject on which each round of a question gets the next answers, or an error. The last one is repeated. */
function roundsOf(...rounds: (object[] | Error)[]) {
  const waits: number[] = [];
  const ask = async function* ({ maxWait }: { maxWait: number }) {
    waits.push(maxWait);
    const answers = (rounds.length > 1 ? rounds.shift() : rounds[0]) ?? [];
    if (answers instanceof Error) throw answers;
    yield* answers;
  };
  const client = (wait: { maxWait: number }) => ({ info: async () => ask(wait), ping: async () => ask(wait) });
  const requestMany = async (_subject: string, _question: string, wait: { maxWait: number }) => ask(wait);
  return { connection: { nats: { services: { client }, requestMany } } as unknown as Connection, waits };
}

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

describe('the question whether a destination can be used', () => {
  const question = { destination: 'OBS', param: '{}', function: 'orders' };
  const refuse = (...replies: unknown[]) => createNatsDestinationCheck(connectionThat(...replies).connection).refuse(question);

  test('accepts the destination when no destinations role runs', async () => {
    expect(await refuse(absent)).toBeUndefined();
  });

  test('is asked again while the destinations role does not answer', async () => {
    expect(await refuse(silence, { problem: 'there is no connection "obs"' })).toBe('there is no connection "obs"');
  });

  test('does not accept the destination when the destinations role is silent (A1)', async () => {
    await expect(refuse(silence)).rejects.toMatchObject({ code: 'NO_ANSWER', retryable: true });
  });
});

const worker = { version: '1', metadata: { instance: 'i-1', roles: 'worker', host: 'h', pid: '1', startedAt: '1' } };
const reply = { json: () => ({ process: 'i-1', file: null, connections: [] }) };

describe.each([
  { what: 'the running processes', ask: (connection: Connection) => createNatsRoleInstances(connection).list(), answer: worker },
  { what: 'the running projections', ask: (connection: Connection) => createNatsHistory(connection).instances(), answer: worker },
  {
    what: 'the connections',
    ask: (connection: Connection) => createNatsConnectionsControl(connection).ask({ do: 'reload' }),
    answer: reply,
  },
])('the question for $what', ({ ask, answer }) => {
  test('has an empty list as its answer at once when nothing runs', async () => {
    const { connection, waits } = roundsOf(absent);
    expect(await ask(connection)).toEqual([]);
    expect(waits).toHaveLength(1);
  });

  test('is asked again while no process answers', async () => {
    const { connection } = roundsOf([], [], [answer]);
    expect(await ask(connection)).toHaveLength(1);
  });

  test('has no answer when a process runs and none answers (A1)', async () => {
    const { connection, waits } = roundsOf([]);
    await expect(ask(connection)).rejects.toMatchObject({ code: 'NO_ANSWER', retryable: true });
    expect(waits.reduce((sum, wait) => sum + wait, 0)).toBeGreaterThan(9_000);
  });
});

test('a test of a connection is sent once, although no answer comes', async () => {
  const { connection, waits } = roundsOf([]);
  expect(await createNatsConnectionsControl(connection).ask({ do: 'test', process: 'i-1', name: 'obs', target: 'b' })).toEqual([]);
  expect(waits).toHaveLength(1);
});

test('a role is absent only when the server says so', async () => {
  const mayServe = (given: unknown) => createNatsRoleInstances(connectionThat(given).connection).mayServe('scheduler');
  expect(await Promise.all([absent, silence, null].map(mayServe))).toEqual([false, true, true]);
});
