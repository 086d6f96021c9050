import { type LedgerEntry, NO_SLOTS } from '#src/core/flow/ledger-entry.ts';
import type { FunctionDefinitionInput } from '#src/core/functions/definition.ts';
import { functionDefinitionSchema } from '#src/core/functions/definition.ts';
import type { FunctionEntry } from '#src/core/functions/entry.ts';
import { SlotWaiters } from '#src/scheduler/slots/slot-waiters.ts';
import { openWaitingLog, POOL } from './waiting-log.ts';

export type Flow = FunctionDefinitionInput['flow'];
export const PATIENCE_MS = 5_000;
export const START = 1_000_000;

/** The waiters of one scheduler, on a log that is written message by message. */
export function openWaiters(flow: Flow, { last = 0 }: { last?: number } = {}) {
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
  let present: FunctionEntry | undefined;
  const entry = (): FunctionEntry => {
    present ??= { definition: definition() } as FunctionEntry;
    return present;
  };
  const log = openWaitingLog((...wait) => slots.noteWait(...wait));
  const slots: SlotWaiters = new SlotWaiters({
    functions: { get: () => entry() },
    hints: { wake: (name, _, id) => void woken.push(`${name.stream} ${id}`), deliver: () => {} },
    clock: { now: () => now, sleep: async () => {} },
    log: { lastSequence: async () => last } as never,
    patienceInMs: PATIENCE_MS,
    waiting: () => log.streams.waiting,
    firstUnplaced: (name) => log.streams.unsorted.firstOf(name),
    decideAgain: (pool) => void planned.push(pool),
    next: () => log.streams.next,
    takesWork: () => takesWork,
  });
  return {
    ...log,
    slots,
    woken,
    planned,
    become: (state: { flow?: Flow; isPaused?: boolean; takesWork?: boolean }) => {
      present = undefined;
      if ('flow' in state) wanted = state.flow;
      if (state.isPaused === false) wanted = flow;
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
    /** The entry is taken over first, as after the write that made it. */
    plan: (present: LedgerEntry = NO_SLOTS) => {
      slots.entryChanged(POOL, present);
      const { waits = [], withdrawals = [] } = slots.plan(POOL, present);
      return { waits: waits.map(({ invocation }) => invocation), withdrawals: withdrawals.map(({ invocation }) => invocation) };
    },
  };
}

/** The waiters, once the log is read up to the message that was the last one at the start. */
export async function openReady(flow: Flow): Promise<ReturnType<typeof openWaiters>> {
  const opened = openWaiters(flow);
  opened.request('first');
  opened.start('first');
  opened.plan();
  await Promise.resolve();
  await new Promise(setImmediate);
  return opened;
}
