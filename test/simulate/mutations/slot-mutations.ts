// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are source code

/** Breakages of the ledger of slots, as `mutations.ts` describes them. */
export const slotMutations = [
  {
    name: 'limit of a flow exceeded',
    breaks: 'SLOT2: one attempt more than the limit runs',
    edits: [{ file: 'src/core/flow/change-entry.ts', from: 'this.#slots >= total', to: 'this.#slots > total' }],
  },
  {
    name: 'slot freed before the result',
    breaks: 'SLOT3: the slot of a running attempt is given to another one',
    edits: [
      {
        file: 'src/worker/slots/flow-run.ts',
        from: 'onStarted: () => useToken(parts, slot)',
        to: 'onStarted: () => parts.ledger.release(slot.pool, slot.waiter)',
      },
    ],
  },
  {
    name: 'full key passed when it waits',
    breaks: 'SLOT2: an attempt that waits for its key starts without a slot when it is woken',
    edits: [
      {
        file: 'src/worker/slots/flow-run.ts',
        from: "if (acquired === 'held') {",
        to: "if (acquired === 'held' || isDeferred(invocation(), slot)) {",
      },
    ],
  },
  {
    name: 'wait for a key acknowledged too early',
    breaks: 'ITEM2: an item is acknowledged before the wait of its invocation is durable',
    edits: [
      {
        file: 'src/worker/slots/flow-run.ts',
        from: 'return (await parts.propose(fact)) === undefined',
        to: 'return parts.propose(fact).catch(() => {}) === undefined',
      },
    ],
  },
  {
    name: 'waits for slots forgotten',
    breaks: 'SLOT6: no entry lists the attempts that wait in the log',
    edits: [{ file: 'src/scheduler/slots/slot-waiters.ts', from: 'if (waiting === undefined) {', to: 'if (waiting?.readyCount !== -1) {' }],
  },
  {
    name: 'attempts with a slot not started',
    breaks: 'SLOT6: an attempt that got a slot while it waited is not started by its worker',
    edits: [{ file: 'src/worker/slots/granted-attempts.ts', from: 'this.#run(waiter, 1);', to: '' }],
  },
  {
    name: 'key of a freed slot not ready',
    breaks: 'SLOT6: the next attempt of a key is not listed when a slot of the key is free',
    seed: 70,
    edits: [{ file: 'src/scheduler/slots/slot-waiters.ts', from: 'waiting?.markKeyReady(key);', to: 'void waiting;\n      void key;' }],
  },
  {
    name: 'waiters of a refused write forgotten',
    breaks: 'SLOT6: an attempt is never listed, when another process wrote the entry before',
    seed: 32,
    edits: [
      {
        file: 'src/scheduler/slots/slot-waiters.ts',
        from: 'if (!counts.named.has(id)) waiting.markReady(queue);',
        to: 'void [id, queue];',
      },
    ],
  },
  {
    name: 'place of an own grant awaited',
    breaks: 'ITEM2: a run waits for ever for the place that its own attempt has',
    worlds: [86, 128] as const,
    edits: [
      {
        file: 'src/worker/slots/granted-attempts.ts',
        from: 'if (resolve !== undefined) return',
        to: 'if (resolve !== undefined && id.length < 0) return',
      },
    ],
  },
  {
    name: 'result of a dead worker forgotten',
    breaks: 'PUB3: an attempt that no message stands for ended, and its worker died before the result was stored',
    edits: [
      {
        file: 'src/scheduler/slots/slot-checks.ts',
        from: 'await storeResult(stream,',
        to: 'if (check.wakes < 0) await storeResult(stream,',
      },
    ],
  },
  {
    name: 'kept state of a granted attempt believed again',
    breaks: 'E4: a worker that kept a stream before its group was closed never starts the leader, and its slot is idle for the patience',
    seed: 1014,
    edits: [
      { file: 'src/worker/slots/granted-attempts.ts', from: 'this.#run(waiter, runs + 1, stream)', to: 'this.#run(waiter, runs + 1)' },
    ],
  },
  {
    name: 'used tokens forgotten',
    breaks: 'RATE1: more attempts start than the rate allows',
    edits: [{ file: 'src/core/flow/token-buckets.ts', from: 'this.#fullAtOf(id) + intervalOf(rate)]', to: 'this.#fullAtOf(id)]' }],
  },
  {
    name: 'tokens used before the start',
    breaks: 'RATE2: an attempt that starts long after it got its token is counted when it got the token',
    edits: [
      {
        file: 'src/core/flow/change-entry.ts',
        from: 'this.#buckets.hold({ rate, key });',
        to: 'this.#buckets.hold({ rate, key });\n    if (rate !== undefined) this.#buckets.use({ rate, key });',
      },
      {
        file: 'src/core/flow/change-entry.ts',
        from: 'this.#buckets.use({ rate, key: started.key });',
        to: '',
      },
      {
        file: 'src/core/flow/token-buckets.ts',
        from: 'for (const { rate, key } of holders) if (rate !== undefined) this.hold({ rate, key });',
        to: 'void holders;',
      },
    ],
  },
  {
    name: 'order of a key by the waits alone',
    breaks: 'SLOT7: a request of a key starts before an earlier one that no worker has taken yet',
    seed: 53,
    edits: [
      {
        file: 'src/scheduler/slots/next-in-order.ts',
        from: 'if (place.request >= before) {',
        to: 'if (place.request >= before && hasLeft(place)) {',
      },
    ],
  },
  {
    name: 'key freed by a failed attempt',
    breaks: 'SLOT7: the next request of a key starts while a failed one is retried',
    edits: [{ file: 'src/core/flow/is-over.ts', from: "fifo !== 'hold' && ", to: '' }],
  },
  {
    name: 'group closed before its requests have their place',
    breaks: 'DEB2: a request that no worker has read yet is missing in its group',
    seed: 1,
    edits: [
      {
        file: 'src/scheduler/groups/close-groups.ts',
        from: 'this.#open().unsorted.firstTimeOf(key.function) < closesAt || !this.#isReadBeyond(closesAt)',
        to: 'this.#inProgress.size < 0',
      },
    ],
  },
  {
    name: 'member ended before its leader',
    breaks: 'DEB3: a member ends while its leader runs',
    edits: [
      {
        file: 'src/worker/groups/debounced-run.ts',
        from: 'if (found !== undefined && found.context.outcome === null) return undefined;',
        to: '',
      },
    ],
  },
  {
    name: 'debounced request started without a group',
    breaks: 'DEB1: a debounced request starts when it is woken',
    edits: [{ file: 'src/worker/groups/debounced-run.ts', from: "if (flow?.debounce !== undefined) return 'wait';", to: '' }],
  },
  {
    name: 'wait for a closed group recorded',
    breaks: 'E4: a request whose group is closed waits for a group for ever, when a second worker holds an item of it',
    edits: [
      {
        file: 'src/worker/groups/group-run.ts',
        from: 'propose(first.invocation, [first], undefined, hasNoPart)',
        to: 'propose(first.invocation, [first])',
      },
      {
        file: 'machines/invocation.ts',
        from: 'if (flow.debounce !== undefined && context.group !== null) return {};',
        to: 'void context;',
      },
    ],
  },
  {
    name: 'event of a member lost',
    breaks: 'DEB3: the leader runs without the event of its first member',
    edits: [
      {
        file: 'src/worker/groups/debounced-run.ts',
        from: 'return events.filter((event) => event !== undefined);',
        to: 'return events.filter((event) => event !== undefined).slice(1);',
      },
    ],
  },
  {
    name: 'slots granted behind the backlog',
    seed: 22,
    breaks:
      'E4: a slot is given to an attempt whose wake stands behind all requests, and its worker takes one item at a time while another one waits',
    edits: [
      {
        file: 'src/worker/slots/granted-attempts.ts',
        from: 'this.#run(waiter, 1);\n  }\n\n  /** Takes over',
        to: 'this.#giveUp(id, pool, waiter);\n    const name = this.#nameOf(waiter);\n    this.#options.ports.hints.wake(name, waiter.request, `${name.stream}.0.granted-${waiter.invocation}-${waiter.attempt}`);\n  }\n\n  /** Takes over',
      },
      {
        file: 'src/worker/slots/flow-run.ts',
        from: 'async function acquire({ slots, ledger, granted, attempt, slotOf, invocation }: FlowParts)',
        to: 'async function acquire({ slots, ledger, granted, attempt, slotOf, invocation, clock }: FlowParts)',
      },
      {
        file: 'src/worker/slots/flow-run.ts',
        from: "  if (acquired === 'closed' || !acquired.isPlaceGiven) slots.release();\n  return acquired",
        to: "  if (acquired !== 'closed' && !acquired.isPlaceGiven) await (clock as unknown as { sleep: (ms: number) => Promise<void> }).sleep(5_000);\n  if (acquired === 'closed' || !acquired.isPlaceGiven) slots.release();\n  return acquired",
      },
    ],
  },
  {
    name: 'slots given without places',
    breaks: 'SLOT6: every runnable key becomes a holder whatever the workers can run, so that an entry grows with the keys',
    worlds: [86, 128] as const,
    edits: [
      {
        file: 'src/core/flow/pool-execution-slots.ts',
        from: 'else if (!owned.owner.takeExecutionSlot()) return false;',
        to: 'else owned.owner.takeExecutionSlot();',
      },
    ],
  },
  {
    name: 'less urgent waiter first',
    breaks: 'SLOT8: of the waiters of an entry, the one with the greatest rank gets the next slot',
    seed: 160,
    edits: [
      {
        file: 'src/core/flow/waiter-order.ts',
        from: '(one.rank ?? 0) - (other.rank ?? 0)',
        to: '(other.rank ?? 0) - (one.rank ?? 0)',
      },
    ],
  },
  {
    name: 'less urgent request listed first',
    breaks: 'SLOT8: the scheduler lists the attempts with the greatest rank',
    seed: 32,
    edits: [{ file: 'src/scheduler/waits/waiting-key.ts', from: '? 0 : rankOf(this', to: '? 0 : -rankOf(this' }],
  },
  {
    name: 'equal ranks compared with each other',
    breaks: 'E4: each step of a scheduler takes all attempts of one rank, and compares each with all',
    large: 'ranks' as const,
    edits: [
      {
        file: 'src/scheduler/waits/waiting-key.ts',
        from: 'wanted.length < count && this.#queue.length > 0; ) {',
        to: 'this.#queue.length > 0; ) {',
      },
      {
        file: 'src/scheduler/waits/waiting-key.ts',
        from: '      taken.push(found);\n      if (isWanted(found)) wanted.push(found);\n    }\n    for (const { stream, wait } of taken)',
        to: '      if (!taken.includes(found)) taken.push(found);\n      if (wanted.length < count && isWanted(found)) wanted.push(found);\n    }\n    for (const { stream, wait } of taken)',
      },
    ],
  },
  {
    name: 'fire requested before its name',
    breaks: 'CRON6: another scheduler skips the fire time meanwhile, and fires the next one beside its invocation',
    needsSchedules: true,
    seed: 90,
    edits: [
      {
        file: 'src/scheduler/fire/fire-due.ts',
        from: 'await (isFree ? nameNewest(options, [fire], read) : skip(options, fire, read))',
        to: 'await (isFree && nameNewest.length > 0 ? request(options, fire) : skip(options, fire, read))',
      },
    ],
  },
  {
    name: 'ledger without compare-and-set',
    breaks: 'SLOT2: two processes give the same slot',
    edits: [{ file: 'src/core/flow/pool-slots.ts', from: 'encodeLedgerEntry(entry), revision)', to: 'encodeLedgerEntry(entry))' }],
  },
];
