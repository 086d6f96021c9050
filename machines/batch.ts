import { assign, setup } from 'xstate';
import { acceptsDeliveryFact, allDeliveriesSettled, foldDelivery } from './deliveries.ts';
import type { DeliveryFact, Fact, FactOf, Outcome } from './facts.ts';
import { createFolder } from './fold.ts';
import { type InvocationContext, initialContext } from './invocation-context.ts';

/**
 * One batch: the lines of one input, from its opening to its last delivery.
 *
 *     queued → running → succeeded → notified
 *
 * 1. The stream of a batch begins with a request that opens the batch, and invokes nothing. Its members are invocations with streams of their
 *    own, whose requests name the batch.
 * 2. The states have the names of those of an invocation, because every reader of streams reads both: `queued` is open, `running` is sealed,
 *    `succeeded` is completed.
 * 3. A batch is sealed once its input has ended. An open batch is sealed at its `dueAt` at the latest (T1).
 * 4. A batch is cancelled by a seal that says so. A batch that was sealed before records its cancellation once, in the state that it has. No
 *    member that the log accepts after the cancellation starts (FAN4).
 * 5. The outcome of a batch is `succeeded` whatever its members are: its payload counts them. The machine of the deliveries delivers the
 *    outcome to its destinations (D1).
 */

/** The effects, as data. The scheduler performs those of a batch. */
const effects = {
  /** The scheduler seals a batch that is still open when it is due. */
  sealWhenDue: () => {},
  /** The scheduler counts the members, and appends the outcome when none is open. */
  completeWhenOver: () => {},
  deliverOutcome: () => {},
  deliver: () => {},
};

export type BatchEffect = keyof typeof effects;

export const batchMachine = setup({
  types: { context: {} as InvocationContext, events: {} as Fact },
  guards: {
    opensBatch: ({ event }) => event.type === 'queued' && event.opens !== undefined,
    /** No attempt belongs to a batch. */
    completes: ({ event }) => event.type === 'succeeded' && event.attempt === 0,
    cancels: ({ context, event }) => event.type === 'batch.sealed' && event.reason === 'canceled' && context.canceledAt === null,
    acceptsDelivery: ({ context, event }) => acceptsDeliveryFact(context, event as DeliveryFact),
    allDeliveriesSettled: ({ context }) => allDeliveriesSettled(context),
  },
  actions: {
    recordOpening: assign(({ event }) => {
      const request = event as FactOf<'queued'>;
      return { request, dueAt: request.dueAt ?? null };
    }),
    recordSeal: assign(({ event }) => ({ dueAt: null, startedAt: event.at })),
    recordCancellation: assign(({ context, event }) => ({
      canceledAt: event.type === 'batch.sealed' && event.reason === 'canceled' ? event.at : context.canceledAt,
    })),
    recordOutcome: assign(({ event }) => ({ startedAt: null, dueAt: null, outcome: event as Outcome })),
    recordDelivery: assign(({ context, event }) => ({ deliveries: foldDelivery(context, event as DeliveryFact) })),
    ...effects,
  },
}).createMachine({
  id: 'batch',
  version: '1',
  description: 'The lines of one input, invoked together',
  context: initialContext,
  initial: 'initial',
  states: {
    initial: {
      description: 'No batch was opened',
      on: { queued: { guard: 'opensBatch', target: 'queued', actions: 'recordOpening' } },
    },
    queued: {
      description: 'Open: further members may follow',
      entry: 'sealWhenDue',
      on: { 'batch.sealed': { target: 'running', actions: ['recordSeal', 'recordCancellation'] } },
    },
    running: {
      description: 'Sealed: the members are awaited',
      entry: 'completeWhenOver',
      on: {
        'batch.sealed': { guard: 'cancels', actions: 'recordCancellation' },
        succeeded: { guard: 'completes', target: 'succeeded', actions: 'recordOutcome' },
      },
    },
    succeeded: {
      description: 'Completed: every member has an outcome; the counts are being delivered to the destinations',
      entry: 'deliverOutcome',
      on: {
        'batch.sealed': { guard: 'cancels', actions: 'recordCancellation' },
        'delivery.started': { guard: 'acceptsDelivery', actions: ['recordDelivery', 'deliver'] },
        'delivery.*': { guard: 'acceptsDelivery', actions: 'recordDelivery' },
        notified: { guard: 'allDeliveriesSettled', target: 'notified' },
      },
    },
    notified: {
      description: 'Every delivery is delivered, dead or dismissed, or the batch has no destinations',
      on: {
        'batch.sealed': { guard: 'cancels', actions: 'recordCancellation' },
        'delivery.started': { guard: 'acceptsDelivery', actions: ['recordDelivery', 'deliver'] },
        'delivery.*': { guard: 'acceptsDelivery', actions: 'recordDelivery' },
      },
    },
  },
});

/** Folds the facts of a batch. */
export const batchFolder = createFolder(batchMachine);
