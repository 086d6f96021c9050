/** Breakages of the ledger of slots, as `mutations.ts` describes them. */
export const slotMutations = [
  {
    name: 'limit of a flow exceeded',
    breaks: 'SLOT2: one attempt more than the limit runs',
    edits: [{ file: 'src/core/flow/change-entry.ts', from: 'this.holders.size >= total', to: 'this.holders.size > total' }],
  },
  {
    name: 'slot freed before the result',
    breaks: 'SLOT3: the slot of a running attempt is given to another one',
    edits: [
      {
        file: 'src/worker/flow-run.ts',
        from: 'result = await parts.start();',
        to: 'result = await parts.start();\n      if (held !== undefined) parts.ledger.release(held.pool, held.waiter);',
      },
    ],
  },
  {
    name: 'ledger without compare-and-set',
    breaks: 'SLOT2: two processes give the same slot',
    edits: [{ file: 'src/core/flow/pool-slots.ts', from: 'store.put(key, next, revision)', to: 'store.put(key, next)' }],
  },
];
