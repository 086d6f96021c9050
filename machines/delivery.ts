import { assign, type SnapshotFrom, setup } from 'xstate';
import { backoffDelay } from './backoff.ts';
import type { Backoff, DeliveryFact, FactOf } from './facts.ts';
import { createFolder } from './fold.ts';

/** The values that a delivery has in addition to its state, all derived from its facts. */
export type DeliveryContext = {
  /** Tries started so far. */
  tries: number;
  /** The process that makes the current try. */
  deliverer: string | null;
  /** When the next try is due, while backing off or postponed. */
  dueAt: number | null;
  /** Why the last try, or the whole delivery, failed. */
  reason: string | null;
  /** Why the next try was postponed after it was due; `null` when it was not. */
  postponed: string | null;
  /** When the dead delivery was last redriven. */
  redrivenAt: number | null;
  /** Why a person dismissed the dead delivery. */
  note: string | null;
};

/** The effects. The machine names them; the destinations role performs them after the append (E1). */
const effects = {
  /** A deliverer appends `delivery.started` when the target has a free slot, or `delivery.dead` when the delivery is too old. */
  makeTry: () => {},
  /** The process that appended `delivery.started` makes the try. Another process first asks whether that process is alive. */
  deliver: () => {},
  /** The scheduler hints at the stream when the next try is due. */
  wakeWhenDue: () => {},
};

export type DeliveryEffect = keyof typeof effects;

/**
 * The delivery of one outcome to one destination (D1): `pending → delivering → backingOff → delivering … → delivered | dead`, and `dead → dismissed`.
 *
 * A try is in the log before it is made (E1). After a crash it may be made again, under the same delivery id. A postponed delivery backs off
 * without having been tried, and keeps its number of tries.
 */
export const deliveryMachine = setup({
  types: { context: {} as DeliveryContext, events: {} as DeliveryFact },
  guards: {
    isNextTry: ({ context, event }) => event.try === context.tries + 1,
    isNextTryAndDue: ({ context, event }) => event.try === context.tries + 1 && event.at >= (context.dueAt ?? 0),
    isCurrentTry: ({ context, event }) => event.try === context.tries,
    isCurrentTryAndDue: ({ context, event }) => event.try === context.tries && event.at >= (context.dueAt ?? 0),
  },
  actions: {
    recordTry: assign(({ event }) => ({
      tries: event.try,
      deliverer: (event as FactOf<'delivery.started'>).deliverer,
      dueAt: null,
      postponed: null,
    })),
    recordFailure: assign({
      dueAt: ({ event }) => (event as FactOf<'delivery.failed'>).dueAt,
      reason: ({ event }) => (event as FactOf<'delivery.failed'>).reason,
    }),
    recordPostponement: assign({
      dueAt: ({ event }) => (event as FactOf<'delivery.postponed'>).dueAt,
      postponed: ({ event }) => (event as FactOf<'delivery.postponed'>).reason,
    }),
    recordRedrive: assign({ redrivenAt: ({ event }) => event.at, note: null }),
    recordDismissal: assign({ note: ({ event }) => (event as FactOf<'delivery.dismissed'>).note }),
    recordEnd: assign({ dueAt: null, postponed: null, reason: ({ event }) => (event as FactOf<'delivery.dead'>).reason }),
    ...effects,
  },
}).createMachine({
  id: 'delivery',
  version: '1',
  description: 'The delivery of one outcome to one destination',
  context: { tries: 0, deliverer: null, dueAt: null, reason: null, postponed: null, redrivenAt: null, note: null },
  initial: 'pending',
  states: {
    pending: {
      entry: 'makeTry',
      on: {
        'delivery.started': { guard: 'isNextTry', target: 'delivering', actions: 'recordTry' },
        'delivery.postponed': { guard: 'isCurrentTry', target: 'backingOff', actions: 'recordPostponement' },
        'delivery.dead': { target: 'dead', actions: 'recordEnd' },
      },
    },
    delivering: {
      entry: 'deliver',
      on: {
        'delivery.failed': { guard: 'isCurrentTry', target: 'backingOff', actions: 'recordFailure' },
        'delivery.delivered': { guard: 'isCurrentTry', target: 'delivered' },
        'delivery.dead': { guard: 'isCurrentTry', target: 'dead', actions: 'recordEnd' },
      },
    },
    backingOff: {
      entry: 'wakeWhenDue',
      on: {
        'delivery.started': { guard: 'isNextTryAndDue', target: 'delivering', actions: 'recordTry' },
        'delivery.postponed': { guard: 'isCurrentTryAndDue', actions: 'recordPostponement' },
        'delivery.dead': { target: 'dead', actions: 'recordEnd' },
      },
    },
    delivered: { type: 'final' },
    dead: {
      description: 'Given up; a redrive tries it again',
      on: {
        'delivery.redriven': { guard: 'isCurrentTry', target: 'pending', actions: 'recordRedrive' },
        'delivery.dismissed': { guard: 'isCurrentTry', target: 'dismissed', actions: 'recordDismissal' },
      },
    },
    dismissed: {
      description: 'Dead, and a person decided that nobody has to act; a redrive tries it again',
      on: { 'delivery.redriven': { guard: 'isCurrentTry', target: 'pending', actions: 'recordRedrive' } },
    },
  },
});

export type Delivery = SnapshotFrom<typeof deliveryMachine>;

/** Folds the facts of one delivery. */
export const deliveryFolder = createFolder(deliveryMachine);

/** The effects that a delivery in the log asks for. A delivery without a fact is pending. */
export function deliveryEffectsDue(delivery: Delivery | undefined): readonly DeliveryEffect[] {
  return deliveryFolder.entryEffects(delivery ?? deliveryFolder.initial) as readonly DeliveryEffect[];
}

/** The moment from which on no try starts. The age counts from the outcome, or from the latest redrive. */
export function deliveryEndsAt(delivery: Delivery | undefined, outcome: { at: number } | null, maxAgeInMs: number): number {
  return (delivery?.context.redrivenAt ?? outcome?.at ?? 0) + maxAgeInMs;
}

type EndFact = Pick<FactOf<'delivery.dead'>, 'invocation' | 'destination' | 'at'>;

/** The fact that ends a delivery which is older than the configured age. */
export function deliveryExpiredFact(delivery: Delivery | undefined, fact: EndFact): FactOf<'delivery.dead'> {
  const { tries, reason, postponed } = delivery?.context ?? { tries: 0, reason: null, postponed: null };
  const last = reason === null ? '' : `; the last one: ${reason}`;
  const wait = postponed === null ? '' : `; ${postponed}`;
  return { type: 'delivery.dead', ...fact, try: tries, reason: `too old after ${tries} tries${last}${wait}` };
}

/** Whether a delivery is delivered, dead or dismissed. A delivery without a fact is absent, and not settled. */
export function isDeliverySettled(delivery: Delivery | undefined): boolean {
  return delivery?.value === 'delivered' || isDead(delivery);
}

/** Whether a delivery was given up, so that a redrive may try it again. A dismissed delivery is dead too. */
export function isDead(delivery: Delivery | undefined): boolean {
  return delivery?.value === 'dead' || delivery?.value === 'dismissed';
}

const tryBackoff: Backoff = { initialInMs: 1_000, factor: 2, maxInMs: 300_000, jitter: 0.3 };

export type FailedTry = { fact: Omit<FactOf<'delivery.failed'>, 'type' | 'dueAt'>; retryAfterInMs?: number | undefined; endsAt: number };

/**
 * Decides what follows a failed try: another try, no earlier than the target allows, or the end of the delivery.
 *
 * `endsAt` is the moment after which no further try may start.
 */
export function afterFailedTry({ fact, retryAfterInMs = 0, endsAt }: FailedTry): FactOf<'delivery.failed'> | FactOf<'delivery.dead'> {
  const delay = Math.max(retryAfterInMs, backoffDelay(tryBackoff, fact.try, `${fact.invocation}/${fact.destination}#${fact.try}`));
  const dueAt = fact.at + delay;
  if (dueAt < endsAt) return { type: 'delivery.failed', ...fact, dueAt };
  return { type: 'delivery.dead', ...fact, reason: `given up after ${fact.try} tries; the last one: ${fact.reason}` };
}
