import { assign, type SnapshotFrom, setup } from 'xstate';
import { type BatchEffect, batchFolder } from './batch.ts';
import { acceptsDeliveryFact, allDeliveriesSettled, foldDelivery } from './deliveries.ts';
import type { DeliveryFact, Fact, FactOf, Outcome } from './facts.ts';
import { createFolder, type Folder } from './fold.ts';
import { closesGroup, groupAfter, isOfLeader, joinsGroup } from './group.ts';
import { type InvocationContext, initialContext } from './invocation-context.ts';
import { canTryAgain } from './retry.ts';

/**
 * One asynchronous invocation of a function, from its request to its last delivery.
 *
 * A caller requests an invocation and does not wait. Sequent promises that the request is executed at least once (E5), that it reaches
 * exactly one outcome (E4), and that each configured destination receives the outcome (D1).
 *
 *     queued → running → succeeded | failed → notified
 *                ↕
 *             retrying
 *
 * 1. What happens to an invocation is a *fact* (`facts.ts`). Facts are appended to a log, and are never changed.
 * 2. The machine folds facts into a state. Every role folds the same facts with the same machine, and so sees the same state (E2).
 * 3. The machine decides which fact may follow. A fact that a guard refuses is never appended.
 * 4. A transition names its *effects*. The machine performs none, reads no clock and uses no randomness.
 * 5. A role appends the fact first, and performs its effects afterwards (E1). A role that dies is replaced by one that reads the log.
 * 6. A wait is a state with `dueAt`, an absolute time in a fact (T1): `queued` of a delayed request, and `retrying`. No attempt starts before.
 * 7. An attempt that is due may wait for a slot of its key, for its rate or for its group: `deferred` records the wait, and the state stays.
 * 8. Of a closed group one invocation runs, and the others end with its outcome (`group.ts`).
 *
 * `retry.ts` decides how a failed attempt goes on, `outcome.ts` makes the facts of an end, `delivery.ts` is the machine of one delivery.
 */

/** The effects, as data. Each role has a table from effect to action (docs/architecture.md). */
const effects = {
  /** The worker appends `running` when the request is due and a slot is free. The scheduler wakes a worker, or ends a request that is too old. */
  startAttempt: () => {},
  /** The worker that appended `running` runs the function. Another worker first asks whether that worker is alive. */
  execute: () => {},
  /** The scheduler hints at the stream when the retry is due. */
  wakeWhenDue: () => {},
  /** The role that appended the outcome publishes the result. */
  publishResult: () => {},
  /** The destinations role delivers the outcome. Without destinations the worker or the scheduler appends `notified`. */
  deliverOutcome: () => {},
  /** The process that appended `delivery.started` makes the try. */
  deliver: () => {},
};

/** The effects of an invocation, and those of a batch, whose streams every role reads too. */
export type InvocationEffect = keyof typeof effects | BatchEffect;

export const invocationMachine = setup({
  types: { context: {} as InvocationContext, events: {} as Fact },
  guards: {
    /**
     * Attempts are numbered from 1 without gap or repeat. The first attempt brings the terms, and no other attempt does. That of a delayed
     * request never starts before its time (T1).
     */
    startsFirstAttempt: ({ context, event }) =>
      isFact(event, 'running') && event.attempt === 1 && event.terms !== undefined && event.at >= (context.dueAt ?? 0) && mayStart(context),
    /** A retry never starts before its time (T1). */
    startsDueAttempt: ({ context, event }) =>
      isFact(event, 'running') && event.attempt === context.attempts + 1 && event.terms === undefined && event.at >= (context.dueAt ?? 0),
    /** The fence (E5): a fact about an attempt that is not the current one is refused. */
    settlesCurrentAttempt: ({ context, event }) => 'attempt' in event && event.attempt === context.attempts,
    /** An attempt that is not due waits for no slot. The same wait is recorded once, and no wait follows that for a group. */
    waitsForSlot: ({ context, event }) =>
      isFact(event, 'deferred') && event.at >= (context.dueAt ?? 0) && mayStart(context) && isOtherWait(context, event),
    closesGroup,
    joinsGroup,
    mayRetry: ({ context, event }) =>
      isFact(event, 'retrying') && event.attempt === context.attempts && event.dueAt >= event.at && canTryAgain(context, event.failure),
    /** Failed before any attempt: the request is too old, invalid, or for a function that does not exist. */
    hasNoAttempt: ({ context, event }) => isFact(event, 'failed') && event.attempt === 0 && isOfLeader(context, event),
    /** The leader of the group returned. */
    succeedsWithLeader: ({ context, event }) =>
      isFact(event, 'succeeded') && event.attempt === 0 && event.leader !== undefined && isOfLeader(context, event),
    acceptsDelivery: ({ context, event }) => acceptsDeliveryFact(context, event as DeliveryFact),
    allDeliveriesSettled: ({ context }) => allDeliveriesSettled(context),
  },
  actions: {
    recordRequest: assign(({ event }) => {
      const request = event as FactOf<'queued'>;
      return { request, dueAt: request.dueAt ?? null };
    }),
    recordWait: assign(({ context, event }) => {
      const { at, flow } = event as FactOf<'deferred'>;
      // The invocation has its part already, and waits for its group no longer (rule 4 of `group.ts`).
      if (flow.debounce !== undefined && context.group !== null) return {};
      return { waitsFor: { ...flow, since: at } };
    }),
    recordGroup: assign(({ context, event }) => ({
      group: groupAfter(context, event as FactOf<'debounce.closed'> | FactOf<'debounce.joined'>),
      waitsFor: null,
    })),
    recordAttempt: assign(({ context, event }) => {
      const running = event as FactOf<'running'>;
      return {
        terms: running.terms ?? context.terms,
        attempts: running.attempt,
        worker: running.worker,
        startedAt: running.at,
        dueAt: null,
        waitsFor: null,
      };
    }),
    recordRetry: assign(({ context, event }) => {
      const { dueAt, failure } = event as FactOf<'retrying'>;
      return {
        worker: null,
        startedAt: null,
        dueAt,
        failure,
        retries: context.retries + (failure.kind === 'function' ? 1 : 0),
        lost: context.lost + (failure.kind === 'lost' ? 1 : 0),
      };
    }),
    recordOutcome: assign(({ context, event }) => {
      const outcome = event as Outcome;
      const failure = outcome.type === 'failed' ? outcome.failure : context.failure;
      return { worker: null, startedAt: null, dueAt: null, waitsFor: null, outcome, failure };
    }),
    recordDelivery: assign(({ context, event }) => ({ deliveries: foldDelivery(context, event as DeliveryFact) })),
    recordRedrive: assign({ redrives: ({ context, event }) => [...context.redrives, (event as FactOf<'redriven'>).redrive] }),
    ...effects,
  },
}).createMachine({
  id: 'invocation',
  version: '1',
  description: 'One asynchronous invocation of a function',
  context: initialContext,
  initial: 'initial',
  states: {
    initial: {
      description: 'No request was accepted',
      on: { queued: { target: 'queued', actions: 'recordRequest' } },
    },
    queued: {
      description: 'Accepted and durable; no attempt has started, and the first one may be due later',
      entry: 'startAttempt',
      on: {
        deferred: { guard: 'waitsForSlot', actions: 'recordWait' },
        'debounce.closed': { guard: 'closesGroup', actions: 'recordGroup' },
        'debounce.joined': { guard: 'joinsGroup', actions: 'recordGroup' },
        running: { guard: 'startsFirstAttempt', target: 'running', actions: 'recordAttempt' },
        succeeded: { guard: 'succeedsWithLeader', target: 'succeeded', actions: 'recordOutcome' },
        failed: { guard: 'hasNoAttempt', target: 'failed', actions: 'recordOutcome' },
      },
    },
    running: {
      description: 'A worker executes the function',
      entry: 'execute',
      on: {
        succeeded: { guard: 'settlesCurrentAttempt', target: 'succeeded', actions: 'recordOutcome' },
        retrying: { guard: 'mayRetry', target: 'retrying', actions: 'recordRetry' },
        failed: { guard: 'settlesCurrentAttempt', target: 'failed', actions: 'recordOutcome' },
      },
    },
    retrying: {
      description: 'Waits until the next attempt is due',
      entry: 'wakeWhenDue',
      on: {
        deferred: { guard: 'waitsForSlot', actions: 'recordWait' },
        running: { guard: 'startsDueAttempt', target: 'running', actions: 'recordAttempt' },
        failed: { guard: 'settlesCurrentAttempt', target: 'failed', actions: 'recordOutcome' },
      },
    },
    succeeded: {
      description: 'The function returned; the outcome is being delivered to its destinations',
      entry: ['publishResult', 'deliverOutcome'],
      on: {
        'delivery.started': { guard: 'acceptsDelivery', actions: ['recordDelivery', 'deliver'] },
        'delivery.*': { guard: 'acceptsDelivery', actions: 'recordDelivery' },
        notified: { guard: 'allDeliveriesSettled', target: 'notified' },
        redriven: { actions: 'recordRedrive' },
      },
    },
    failed: {
      description: 'No further attempt follows; the outcome is being delivered to its destinations',
      entry: ['publishResult', 'deliverOutcome'],
      on: {
        'delivery.started': { guard: 'acceptsDelivery', actions: ['recordDelivery', 'deliver'] },
        'delivery.*': { guard: 'acceptsDelivery', actions: 'recordDelivery' },
        notified: { guard: 'allDeliveriesSettled', target: 'notified' },
        redriven: { actions: 'recordRedrive' },
      },
    },
    notified: {
      description: 'Every delivery is delivered, dead or dismissed, or the outcome has no destinations',
      on: {
        // A redriven delivery changes neither the outcome nor this state.
        'delivery.started': { guard: 'acceptsDelivery', actions: ['recordDelivery', 'deliver'] },
        'delivery.*': { guard: 'acceptsDelivery', actions: 'recordDelivery' },
        redriven: { actions: 'recordRedrive' },
      },
    },
  },
});

/** The state and the context of one invocation. */
export type Invocation = SnapshotFrom<typeof invocationMachine>;

const plainFolder = createFolder(invocationMachine);
const foldersOfBatches = batchFolder as unknown as Folder<typeof invocationMachine>;

/** Folds facts into invocations, for every role and page. A stream whose request opens a batch is folded by the machine of the batch. */
export const invocationFolder: Folder<typeof invocationMachine> = {
  initial: plainFolder.initial,
  step: (snapshot, fact) => folderOf(snapshot, fact).step(snapshot, fact),
  accepts: (snapshot, fact) => folderOf(snapshot, fact).accepts(snapshot, fact),
  entryEffects: (snapshot) => (isBatch(snapshot) ? foldersOfBatches : plainFolder).entryEffects(snapshot),
};

/** Whether the snapshot is one of a batch. */
export function isBatch({ context: { request } }: Invocation): boolean {
  return request?.opens !== undefined;
}

function folderOf(snapshot: Invocation, fact: Fact): Folder<typeof invocationMachine> {
  const opens = snapshot.context.request === null ? fact.type === 'queued' && fact.opens !== undefined : isBatch(snapshot);
  return opens ? foldersOfBatches : plainFolder;
}

const afterNotified: readonly InvocationEffect[] = ['publishResult'];
const whileRedriven: readonly InvocationEffect[] = ['publishResult', 'deliverOutcome'];

/**
 * The effects that an invocation in the log asks for: those that its state names on entry.
 *
 * After a crash only the log is known, so an effect may be performed a second time.
 */
export function effectsDue(invocation: Invocation): readonly InvocationEffect[] {
  if (invocation.value !== 'notified') return invocationFolder.entryEffects(invocation) as readonly InvocationEffect[];
  // The outcome of a batch is no result of its function.
  if (isBatch(invocation)) return allDeliveriesSettled(invocation.context) ? [] : ['deliverOutcome'];
  // One append may hold the outcome and `notified`. The log then does not say whether the result was published.
  return allDeliveriesSettled(invocation.context) ? afterNotified : whileRedriven;
}

function isOtherWait({ waitsFor, attempts }: InvocationContext, { flow }: FactOf<'deferred'>): boolean {
  // Attempts after the first one run for the group that is closed. A wait after the group was closed is accepted because logs have it.
  if (flow.debounce !== undefined) return waitsFor === null && attempts === 0;
  return waitsFor === null || waitsFor.pool !== flow.pool || waitsFor.key !== flow.key;
}

function isFact<Type extends Fact['type']>(fact: Fact, type: Type): fact is FactOf<Type> {
  return fact.type === type;
}

/** Whether an invocation may start attempts: it is of no group, or the leader of one. */
export function mayStart({ waitsFor, group }: InvocationContext): boolean {
  return waitsFor?.debounce === undefined && group?.leader === undefined;
}
