import { describe, expect, test } from 'vitest';
import { encodeLedgerEntry, type LedgerEntry, NO_SLOTS } from '#src/core/flow/ledger-entry.ts';
import type { FunctionDefinitionInput } from '#src/core/functions/definition.ts';
import { functionDefinitionSchema } from '#src/core/functions/definition.ts';
import type { FunctionEntry } from '#src/core/functions/entry.ts';
import { SlotGrants } from '#src/scheduler/slot-grants.ts';
import { ORDERS, openWaitingLog, POOL } from '#test/support/scheduler/waiting-log.ts';

type Flow = FunctionDefinitionInput['flow'];
const PATIENCE_MS = 5_000;
const START = 1_000_000;

/** The grants of one scheduler, on a log that is written message by message. */
function openGrants(flow: Flow, { last = 0 }: { last?: number } = {}) {
  let now = START;
  let wanted: Flow | 'paused' = flow;
  let takesWork = true;
  const woken: string[] = [];
  const planned: string[] = [];
  const definition = () =>
    functionDefinitionSchema.parse({
      ...{ name: 'orders', handler: { kind: 'inline' } },
      ...(wanted === 'paused' ? { flow, paused: true } : wanted === undefined ? {} : { flow: wanted }),
    });
  const log = openWaitingLog((...wait) => grants.noteWait(...wait));
  const grants: SlotGrants = new SlotGrants({
    functions: { get: () => ({ definition: definition() }) as FunctionEntry },
    hints: { wake: (name, _, id) => void woken.push(`${name.stream} ${id}`), deliver: () => {} },
    clock: { now: () => now, sleep: async () => {} },
    log: { lastSequence: async () => last } as never,
    patienceInMs: PATIENCE_MS,
    waiting: () => log.streams.waiting,
    firstUnplaced: (name) => log.streams.unplaced.firstOf(name),
    planAgain: (pool) => void planned.push(pool),
    next: () => log.streams.next,
    takesWork: () => takesWork,
  });
  return {
    ...log,
    grants,
    woken,
    planned,
    become: (state: { flow?: Flow; isPaused?: boolean; takesWork?: boolean }) => {
      if ('flow' in state) wanted = state.flow;
      if (state.isPaused) wanted = 'paused';
      takesWork = state.takesWork ?? takesWork;
    },
    advance: (ms: number) => {
      now += ms;
    },
    /** Has requests wait, `count` of each key in turns. */
    queueUp(keys: readonly string[], count = 1): void {
      for (let number = 0; number < count; number++)
        for (const key of keys) {
          log.request(`${key}-${number}`);
          log.wait(`${key}-${number}`, key);
        }
    },
    plan: (entry: LedgerEntry = NO_SLOTS) => {
      const { waits = [], withdrawals = [] } = grants.plan(POOL, entry);
      return { waits: waits.map(({ invocation }) => invocation), withdrawals: withdrawals.map(({ invocation }) => invocation) };
    },
  };
}

/** The grants, once the log is read up to the message that was the last one at the start. */
async function openReady(flow: Flow): Promise<ReturnType<typeof openGrants>> {
  const opened = openGrants(flow);
  opened.request('first');
  opened.start('first');
  opened.plan();
  await Promise.resolve();
  await new Promise(setImmediate);
  return opened;
}

const attempt = (invocation: string, key: string) => ({ key, function: ORDERS, invocation, attempt: 1, request: 1 });
const entryOf = (holders: LedgerEntry['holders'], waiters: LedgerEntry['waiters'] = []): LedgerEntry => ({ holders, waiters });
const KEYED: Flow = { concurrency: 1, key: '$.key' };

describe('the plan of an entry (SLOT6)', () => {
  test('is empty before the log is read up to its last message, and without the right to work', async () => {
    const opened = openGrants(KEYED, { last: 5 });
    opened.queueUp(['x']);
    for (const _ of [1, 2]) {
      expect(opened.plan()).toEqual({ waits: [], withdrawals: [] });
      await new Promise(setImmediate);
    }
    opened.queueUp(['y', 'z']);
    expect(opened.plan().waits).toEqual(['x-0', 'y-0', 'z-0']);
    opened.become({ takesWork: false });
    expect(opened.plan().waits).toEqual([]);
  });

  test('has those of each key that find a slot, and as many for the next ones', async () => {
    const opened = await openReady({ concurrency: 2, key: '$.key' });
    opened.queueUp(['x', 'y'], 9);
    const { waits } = opened.plan();
    expect(waits.slice(0, 4)).toEqual(['x-0', 'y-0', 'x-1', 'y-1']);
    expect(waits.slice(4).sort()).toEqual(['x-2', 'x-3', 'y-2', 'y-3']);
    const waitsOfX = (entry: LedgerEntry): string[] => opened.plan(entry).waits.filter((id) => id.startsWith('x'));
    expect(waitsOfX(entryOf([attempt('x-0', 'x'), attempt('other', 'x')]))).toEqual(['x-1', 'x-2']);
    const waiters = ['x-0', 'x-1'].map((id) => ({ ...attempt(id, 'x'), perKey: 2 }));
    expect(waitsOfX(entryOf([], waiters))).toEqual(['x-2', 'x-3']);
  });

  test('has those that find a slot before all that wait for the next ones', async () => {
    const opened = await openReady({ concurrency: 2, key: '$.key' });
    opened.queueUp(['x', 'y'], 4);
    expect(opened.plan(entryOf([], [{ ...attempt('x-0', 'x'), perKey: 2 }])).waits.slice(0, 3)).toEqual(['x-1', 'y-0', 'y-1']);

    const ordered = await openReady({ concurrency: 1, key: '$.key', order: 'fifo' });
    ordered.queueUp(['x', 'y'], 2);
    expect(ordered.plan(entryOf([attempt('other', 'x')])).waits).toEqual(['y-0', 'x-0', 'y-1', 'x-1']);
  });

  test('has keys in turns, and full keys in a half of the places', async () => {
    const opened = await openReady({ concurrency: 1_000, key: '$.key' });
    opened.queueUp(['x', 'y'], 200);
    const { waits } = opened.plan();
    expect([waits.length, waits.filter((id) => id.startsWith('x')).length]).toEqual([256, 128]);

    const full = await openReady(KEYED);
    const keys = Array.from({ length: 200 }, (_, number) => `k${number}`);
    full.queueUp(keys);
    expect(full.plan(entryOf(keys.map((key) => attempt(`holder-${key}`, key)))).waits).toHaveLength(128);
  });

  test('begins with the keys that had no turn', async () => {
    const opened = await openReady(KEYED);
    const keys = Array.from({ length: 300 }, (_, number) => `k${number}`);
    opened.queueUp(keys);
    expect(opened.plan().waits).toHaveLength(256);
    expect(opened.plan().waits.slice(0, 44)).toEqual(keys.slice(256).map((key) => `${key}-0`));
  });

  test('has nothing of a paused function, whose waiters leave the entry', async () => {
    const opened = await openReady(KEYED);
    opened.queueUp(['x', 'y']);
    opened.become({ isPaused: true });
    expect(opened.plan(entryOf([], [{ ...attempt('x-0', 'x'), perKey: 1 }]))).toEqual({ waits: [], withdrawals: ['x-0'] });
  });

  test('has no attempt that left the entry, before the patience ends', async () => {
    const opened = await openReady(KEYED);
    opened.queueUp(['x']);
    opened.grants.note(POOL, encodeLedgerEntry(entryOf([attempt('x-0', 'x')])));
    opened.grants.note(POOL, undefined);
    expect(opened.plan().waits).toEqual([]);
    opened.advance(PATIENCE_MS - 1);
    opened.grants.look(START + PATIENCE_MS - 1);
    expect(opened.plan().waits).toEqual([]);
    opened.advance(1);
    expect(opened.plan().waits).toEqual(['x-0']);
  });

  test('has a request in the order of the log only when all earlier ones have their place (SLOT7)', async () => {
    const opened = await openReady({ concurrency: 1, key: '$.key', order: 'fifo' });
    opened.request('unread');
    opened.queueUp(['x'], 3);
    expect(opened.plan().waits).toEqual([]);
    opened.wait('unread', 'y');
    expect(opened.plan().waits.sort()).toEqual(['unread', 'x-0', 'x-1']);
  });
});

describe('a stream that waits', () => {
  test('is woken once when its attempt got a slot, and again by nothing of the same entry', async () => {
    const opened = await openReady(KEYED);
    opened.queueUp(['x', 'y']);
    const holding = encodeLedgerEntry(entryOf([attempt('x-0', 'x')], [attempt('y-0', 'y')]));
    opened.grants.note(POOL, holding);
    const { length: planned } = opened.planned;
    opened.grants.note(POOL, holding);
    expect(opened.planned).toHaveLength(planned);
    expect(opened.woken).toEqual([expect.stringMatching(/^x-0 x-0\.\d+\.slot-0$/)]);
    opened.grants.note(POOL, encodeLedgerEntry(entryOf([attempt('x-0', 'x'), attempt('y-0', 'y')])));
    expect(opened.woken.map((id) => id.split(' ')[0])).toEqual(['x-0', 'y-0']);
  });

  test('is woken when the log says later that it waits for the slot that it has', async () => {
    const opened = await openReady(KEYED);
    opened.grants.note(POOL, encodeLedgerEntry(entryOf([attempt('x-0', 'x')])));
    expect(opened.woken).toEqual([]);
    opened.queueUp(['x']);
    expect(opened.woken).toEqual([expect.stringMatching(/^x-0 /)]);
  });

  test.for([
    ['was removed', undefined],
    ['was moved to a pool', { ...KEYED, pool: 'erp' }],
  ] as const)('is woken when the flow of its function %s, 32 of a key at once', async ([, flow]) => {
    const opened = await openReady(KEYED);
    opened.queueUp(['x'], 40);
    opened.become({ flow });
    expect(opened.plan().waits).toEqual([]);
    expect(opened.woken).toHaveLength(32);
    expect(opened.woken[0]).toMatch(/^x-0 x-0\.\d+\.moved-/);
    opened.plan();
    expect(opened.woken).toHaveLength(40);
  });
});

describe('an entry is planned again', () => {
  test('when the first one of a key begins to wait, and each second while streams wait', async () => {
    const opened = await openReady(KEYED);
    expect(opened.grants.nextDueAt).toBe(Number.POSITIVE_INFINITY);
    opened.queueUp(['x'], 2);
    expect(opened.planned).toEqual([POOL]);
    opened.grants.look(START);
    expect(opened.planned).toEqual([POOL, POOL]);
    expect(opened.grants.nextDueAt).toBe(START + 1_000);
    opened.grants.look(START + 999);
    expect(opened.planned).toHaveLength(2);
    opened.grants.look(START + 1_000);
    expect(opened.planned).toHaveLength(3);
  });

  test('at once for a request that gets its place in an order', async () => {
    const opened = await openReady({ concurrency: 1, key: '$.key', order: 'fifo' });
    opened.grants.look(START);
    opened.queueUp(['x'], 2);
    expect(opened.planned).toEqual([]);
    expect(opened.grants.nextDueAt).toBe(START);
    opened.grants.look(START);
    expect(opened.planned.length).toBeGreaterThan(0);
  });

  test('when the next token of a rate is back', async () => {
    const opened = await openReady({ rate: { limit: 1, per: '1s' }, key: '$.key' });
    opened.queueUp(['x']);
    opened.grants.look(START);
    const rate = '1/1000/1' as never;
    const fullAtInMicros = (START + 700) * 1_000;
    opened.grants.plan(POOL, { ...entryOf([]), buckets: [[rate, 'x', fullAtInMicros]] });
    const dueAt = opened.grants.nextDueAt;
    expect(dueAt).toBeGreaterThanOrEqual(START + 700);
    expect(dueAt).toBeLessThanOrEqual(START + 751);
    const before = opened.planned.length;
    opened.grants.look(dueAt - 1);
    expect(opened.planned).toHaveLength(before);
    opened.grants.look(dueAt);
    expect(opened.planned).toHaveLength(before + 1);
  });
});
