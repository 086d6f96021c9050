import { expect, test } from 'vitest';
import { readSlots, surroundingsOf } from '#src/client/state/surroundings.ts';
import { NO_SLOTS } from '#src/core/flow/ledger-entry.ts';

const gateway = { instance: 'i', roles: ['gateway'], version: '1', host: 'h', pid: 1, startedAt: 1 };
const ofPaused = { ...gateway, roles: ['scheduler'], takesWork: false };

test('a role of which it is unknown whether it runs counts as one that runs (A1)', () => {
  const around = surroundingsOf({ consumers: [], instances: [gateway], silentRoles: ['scheduler'] }, 'orders', undefined);
  expect(around.roles).toEqual(['gateway', 'scheduler']);
});

test('a role does not run when its only process takes no work', () => {
  expect(surroundingsOf({ consumers: [], instances: [ofPaused], silentRoles: [] }, 'orders', undefined).roles).toEqual([]);
});

test('what is before an invocation is counted by the order of the log, and not by its millisecond', async () => {
  const asked: object[] = [];
  const history = {
    count: async (query: object = {}) => {
      asked.push(query);
      return { count: 1, isAtLeast: false };
    },
    list: async () => ({ invocations: [], cursor: null }),
  };
  const definition = { paused: false, concurrency: 1, handler: { kind: 'inline' as const }, flow: { concurrency: 1, key: '$.key' } };
  const request = { type: 'queued' as const, invocation: 'i-2', at: 1_000, function: 'orders' } as never;
  const waitsFor = { pool: 'function.orders', key: 'a', since: 1_000 } as never;
  const flow = { entry: async () => NO_SLOTS } as never;
  const slots = await readSlots({ flow, history }, { name: 'orders', definition, request, waitsFor, payload: '' });
  expect(slots).toMatchObject({ before: 1 });
  expect(asked).toEqual([{ waitsPool: ['function.orders'], waitsKey: 'a', before: { id: 'i-2', function: 'orders' } }]);
});

test('the group of a debounced request ends after its newest or its oldest request, whichever is first', async () => {
  const accepted = { oldest: 1_000, newest: 4_000 };
  const history = {
    count: async () => ({ count: 3, isAtLeast: false }),
    list: async ({ order = 'newest' }: { order?: string | undefined } = {}) => {
      const acceptedAt = accepted[order as keyof typeof accepted];
      return { invocations: [{ acceptedAt }], cursor: null } as never;
    },
  };
  const flow = { entry: async () => NO_SLOTS } as never;
  const endOf = async (maxWaitInMs: number) => {
    const debounce = { keep: 'last', waitInMs: 5_000, maxWaitInMs };
    const waitsFor = { pool: 'function.orders', key: 'a', since: 1_000, debounce } as never;
    const slots = await readSlots({ flow, history }, { name: 'orders', definition: undefined, waitsFor, payload: '' });
    return [slots?.grouped, slots?.groupEndsAt];
  };
  expect(await endOf(60_000)).toEqual([3, 9_000]);
  expect(await endOf(6_000)).toEqual([3, 7_000]);
});
