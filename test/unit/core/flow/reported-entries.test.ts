import { expect, test } from 'vitest';
import { encodeLedgerEntry, type LedgerEntry, NO_SLOTS, type Waiter } from '#src/core/flow/ledger-entry.ts';
import { createSlotLedger } from '#src/core/flow/slot-ledger.ts';
import { type PoolId, poolOf } from '#src/core/functions/flow.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';

const pool: PoolId = poolOf('f' as FunctionName, {});
const one = (invocation: string): Waiter => ({ key: '', function: 'f', invocation, attempt: 1, request: 1, total: 1 });

test('an entry that was reported while the watch begins is reported again when it is looked for', async () => {
  const store = createMemoryKeyValue();
  await store.put(pool, encodeLedgerEntry({ holders: [], waiters: [one('a')] }));
  let isOver = (): void => {};
  // The present entries are many, and are not all reported yet.
  const beginning: KeyValue = {
    ...store,
    async watch(onChange, signal) {
      await store.watch(onChange, signal);
      await new Promise<void>((resolve) => {
        isOver = resolve;
      });
    },
  };
  const reported: string[] = [];
  const closing = new AbortController();
  const common = { clock: systemClock, logger: silentLogger, epoch: () => 0, signal: closing.signal };
  const ledger = createSlotLedger({ ...common, store: beginning, onEntry: (name) => reported.push(name) });
  ledger.watch();
  await expect.poll(() => reported).toEqual([pool]);
  // The function of the waiter was defined after that.
  ledger.look(pool);
  await expect.poll(() => reported).toEqual([pool, pool]);
  isOver();
  closing.abort();
});

test('an entry by which a plan decides was reported before, also when the watch skips it', async () => {
  const store = createMemoryKeyValue();
  // The watch of a busy process brings nothing now.
  const unwatched: KeyValue = { ...store, watch: async () => {} };
  const events: string[] = [];
  const namesOf = ({ holders, waiters }: LedgerEntry): string => [...holders, ...waiters].map(({ invocation }) => invocation).join();
  const closing = new AbortController();
  const ledger = createSlotLedger({
    ...{ clock: systemClock, logger: silentLogger, epoch: () => 0, signal: closing.signal, store: unwatched },
    onEntry: (_, entry) => events.push(`reported ${namesOf(entry ?? NO_SLOTS)}`),
    plan(_, entry) {
      events.push(`planned ${namesOf(entry)}`);
      return {};
    },
  });
  await store.put(pool, encodeLedgerEntry({ holders: [one('a')], waiters: [one('b')] }));
  ledger.decideAgain(pool);
  await expect.poll(() => events).toEqual(['reported a,b', 'planned a,b']);
  closing.abort();
});
