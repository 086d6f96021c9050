import { assign, type SnapshotFrom, setup } from 'xstate';
import { backoffDelay } from './backoff.ts';
import type { Backoff, DeliveryFact, FactOf } from './facts.ts';
import { createFolder } from './fold.ts';

export type DeliveryContext = {
  /** Tries started so far. */
  tries: number;
  /** Who makes the current try. */
  deliverer: string | null;
  /** When the next try is due, while backing off. */
  dueAt: number | null;
  /** Why the last try, or the whole delivery, failed. */
  reason: string | null;
  /** When somebody last asked for it to be tried again after it was given up. */
  redrivenAt: number | null;
};

/** The effects, as in the machine of an invocation: performed by the destinations role, after the append (E1). */
const effects = {
  /** A deliverer appends `delivery.started` when the target has a free slot, or `delivery.dead` when the delivery is too old. */
  makeTry: () => {},
  /** The process that appended `delivery.started` makes the try. Another one asks first whether that one is alive. */
  deliver: () => {},
  /** The scheduler hints at the stream when the next try is due. */
  wakeWhenDue: () => {},
};

export type DeliveryEffect = keyof typeof effects;

/**
 * Handing one outcome to one destination (D1): `pending → delivering → backingOff → delivering … → delivered | dead`.
 *
 * A try is in the log before it is made (E1); it may be made again after a crash, under the same delivery id.
 */
export const deliveryMachine = setup({
  types: { context: {} as DeliveryContext, events: {} as DeliveryFact },
  guards: {
    isNextTry: ({ context, event }) => event.try === context.tries + 1,
    isNextTryAndDue: ({ context, event }) => event.try === context.tries + 1 && event.at >= (context.dueAt ?? 0),
    isCurrentTry: ({ context, event }) => event.try === context.tries,
  },
  actions: {
    startTry: assign(({ event }) => ({
      tries: event.try,
      deliverer: (event as FactOf<'delivery.started'>).deliverer,
      dueAt: null,
    })),
    scheduleTry: assign({
      dueAt: ({ event }) => (event as FactOf<'delivery.failed'>).dueAt,
      reason: ({ event }) => (event as FactOf<'delivery.failed'>).reason,
    }),
    beginAgain: assign({ redrivenAt: ({ event }) => event.at }),
    giveUp: assign({ dueAt: null, reason: ({ event }) => (event as FactOf<'delivery.dead'>).reason }),
    ...effects,
  },
}).createMachine({
  id: 'delivery',
  version: '1',
  description: 'One outcome handed to one destination',
  context: { tries: 0, deliverer: null, dueAt: null, reason: null, redrivenAt: null },
  initial: 'pending',
  states: {
    pending: {
      entry: 'makeTry',
      on: {
        'delivery.started': { guard: 'isNextTry', target: 'delivering', actions: 'startTry' },
        'delivery.dead': { target: 'dead', actions: 'giveUp' },
      },
    },
    delivering: {
      entry: 'deliver',
      on: {
        'delivery.failed': { guard: 'isCurrentTry', target: 'backingOff', actions: 'scheduleTry' },
        'delivery.delivered': { guard: 'isCurrentTry', target: 'delivered' },
        'delivery.dead': { guard: 'isCurrentTry', target: 'dead', actions: 'giveUp' },
      },
    },
    backingOff: {
      entry: 'wakeWhenDue',
      on: {
        'delivery.started': { guard: 'isNextTryAndDue', target: 'delivering', actions: 'startTry' },
        'delivery.dead': { target: 'dead', actions: 'giveUp' },
      },
    },
    delivered: { type: 'final' },
    dead: {
      description: 'Given up; somebody may have it tried again',
      on: { 'delivery.redriven': { guard: 'isCurrentTry', target: 'pending', actions: 'beginAgain' } },
    },
  },
});

export type Delivery = SnapshotFrom<typeof deliveryMachine>;

/** Folds the facts of one delivery. */
export const deliveryFolder = createFolder(deliveryMachine);

/** The effects that a delivery asks for as the log has it. One without any fact is pending. */
export function deliveryEffectsDue(delivery: Delivery | undefined): readonly DeliveryEffect[] {
  return deliveryFolder.entryEffects(delivery ?? deliveryFolder.initial) as readonly DeliveryEffect[];
}

/** The moment from which on no try of it begins: it counts from the outcome, or from when somebody asked for more tries. */
export function deliveryEndsAt(delivery: Delivery | undefined, outcome: { at: number } | null, maxAgeInMs: number): number {
  return (delivery?.context.redrivenAt ?? outcome?.at ?? 0) + maxAgeInMs;
}

type EndFact = Pick<FactOf<'delivery.dead'>, 'invocation' | 'destination' | 'at'>;

/** The end of a delivery that no further try can be made of in time. */
export function outdated(delivery: Delivery | undefined, fact: EndFact): FactOf<'delivery.dead'> {
  const { tries, reason } = delivery?.context ?? { tries: 0, reason: null };
  const last = reason === null ? '' : `; the last one: ${reason}`;
  return { type: 'delivery.dead', ...fact, try: tries, reason: `too old after ${tries} tries${last}` };
}

/** Whether a delivery needs nothing more: delivered, or given up. One that did not begin is absent. */
export function isSettled(delivery: Delivery | undefined): boolean {
  return delivery?.value === 'delivered' || delivery?.value === 'dead';
}

const tryBackoff: Backoff = { initialInMs: 1_000, factor: 2, maxInMs: 300_000, jitter: 0.3 };

export type FailedTry = { fact: Omit<FactOf<'delivery.failed'>, 'type' | 'dueAt'>; retryAfterInMs?: number | undefined; endsAt: number };

/**
 * Decides what follows a failed try: another one, not before the target asks for it, or the end of the delivery.
 *
 * `endsAt` is the moment after which no further try may start.
 */
export function afterFailedTry({ fact, retryAfterInMs = 0, endsAt }: FailedTry): FactOf<'delivery.failed'> | FactOf<'delivery.dead'> {
  const delay = Math.max(retryAfterInMs, backoffDelay(tryBackoff, fact.try, `${fact.invocation}/${fact.destination}#${fact.try}`));
  const dueAt = fact.at + delay;
  if (dueAt < endsAt) return { type: 'delivery.failed', ...fact, dueAt };
  return { type: 'delivery.dead', ...fact, reason: `given up after ${fact.try} tries; the last one: ${fact.reason}` };
}
