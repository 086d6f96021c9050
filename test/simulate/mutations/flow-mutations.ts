// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are source code

/** Breakages of flows, groups, batches and schedules, as `mutations.ts` describes them. */
export const flowMutations = [
  {
    name: 'limit of a key exceeded',
    breaks: 'SLOT2: one attempt of a key more than its limit runs',
    edits: [
      {
        file: 'src/core/flow/change-entry.ts',
        from: '(this.#heldByKey.get(key) ?? 0) >= perKey',
        to: '(this.#heldByKey.get(key) ?? 0) > perKey',
      },
    ],
  },
  {
    name: 'slot of a running attempt freed',
    breaks: 'SLOT3: a slot is free although its attempt runs, because another run of its stream ended',
    edits: [
      {
        file: 'src/core/flow/is-over.ts',
        from: "(context.attempts === attempt && value !== 'running')",
        to: "(context.attempts === attempt && value !== 'queued')",
      },
    ],
  },
  {
    name: 'kept slot not taken over',
    breaks: 'SLOT7: the retry of an attempt that keeps its slot waits for that slot',
    edits: [
      { file: 'src/core/flow/change-entry.ts', from: 'kept.key === key && rate === undefined', to: 'kept.key < key && rate === undefined' },
    ],
  },
  {
    name: 'held tokens not counted',
    breaks: 'RATE1: attempts that got tokens and did not start yet leave their tokens to others',
    edits: [
      {
        file: 'src/core/flow/token-buckets.ts',
        from: '(this.#held.get(id) ?? 0) + 1 - parseRateText(rate).burst',
        to: '1 - parseRateText(rate).burst',
      },
    ],
  },
  {
    name: 'oldest request of a group left out',
    breaks: 'DEB2: a group does not name its first request',
    edits: [
      {
        file: 'src/scheduler/groups/close-groups.ts',
        from: 'const members = group.slice(0, -1).map(',
        to: 'const members = group.slice(1, -1).map(',
      },
    ],
  },
  {
    name: 'longest wait of a group ignored',
    breaks: 'DEB2: a group stays open as long as requests follow each other',
    seed: 1,
    edits: [
      {
        file: 'src/core/flow/debounce-groups.ts',
        from: 'Math.min(one.at + waitInMs, first.at + maxWaitInMs)',
        to: 'Math.min(one.at + waitInMs, first.at + 1_000 * maxWaitInMs)',
      },
    ],
  },
  {
    name: 'fire with an id of its own',
    breaks: 'CRON3: two schedulers request two invocations for one fire time',
    needsSchedules: true,
    edits: [
      {
        file: 'src/core/schedules/fire-request.ts',
        from: '/schedule/${name}/${createdAt}/${at}`',
        to: '/schedule/${name}/${createdAt}/${at}/${Math.random()}`',
      },
    ],
  },
  {
    name: 'fire beside a running invocation',
    breaks: 'CRON6: a fire time does not wait for the invocation of the one before it',
    needsSchedules: true,
    edits: [
      {
        file: 'src/scheduler/fire/fire-due.ts',
        from: 'every(({ context }) => context.outcome !== null)',
        to: 'every(({ context }) => context.attempts >= 0)',
      },
    ],
  },
  {
    name: 'open members not awaited',
    breaks: 'FAN2: a batch completes while a member has no outcome',
    needsBatches: true,
    edits: [
      {
        file: 'src/scheduler/inspect/complete-batch.ts',
        from: 'if (counts.open > 0) return',
        to: 'if (counts.open > counts.members) return',
      },
    ],
  },
  {
    name: 'batch completed twice',
    breaks: 'FAN2, E4: a completed batch stays sealed, so that it is completed again and never ends',
    needsBatches: true,
    edits: [
      {
        file: 'machines/batch.ts',
        from: "succeeded: { guard: 'completes', target: 'succeeded', actions: 'recordOutcome' }",
        to: "succeeded: { guard: 'completes', actions: 'recordOutcome' }",
      },
    ],
  },
  {
    name: 'member of a cancelled batch started',
    breaks: 'FAN4: a member runs that the log accepted after the cancellation of its batch',
    needsBatches: true,
    edits: [
      {
        file: 'src/worker/attempt/canceled-batches.ts',
        from: 'this.#canceledAt < sequence',
        to: 'this.#canceledAt < Math.min(0, sequence)',
      },
    ],
  },
  {
    name: 'batch sealed twice',
    breaks: 'FAN1: a batch is sealed by its sender after its cancellation sealed it',
    needsBatches: true,
    edits: [
      {
        file: 'machines/batch.ts',
        from: "event.type === 'batch.sealed' && event.reason === 'canceled' && context.canceledAt === null",
        to: "event.type === 'batch.sealed' && context.outcome === null",
      },
    ],
  },
];
