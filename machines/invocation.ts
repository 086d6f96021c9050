import { assign, type SnapshotFrom, setup } from 'xstate';
import { type Delivery, deliveryFolder, isSettled } from './delivery.ts';
import type { DeliveryFact, Destination, Fact, FactOf, Failure, Outcome, Terms } from './facts.ts';
import { createFolder } from './fold.ts';

/** The number of lost workers that ends an invocation: no attempt is granted after the last of them. */
export const MAX_LOST_ATTEMPTS = 8;

export type InvocationContext = {
  /** The request, once it was accepted. */
  request: FactOf<'queued'> | null;
  /** What it runs under, once its first attempt started. */
  terms: Terms | null;
  /** Executions started so far: the number of the current or latest attempt. */
  attempts: number;
  /** Attempts that consumed a retry. */
  retries: number;
  /** Attempts cut short because their worker vanished. They consume no retry, and are bounded. */
  lost: number;
  /** Who runs the current attempt, and since when. */
  worker: string | null;
  startedAt: number | null;
  /** When the next attempt is due, while retrying. */
  dueAt: number | null;
  /** What went wrong last. */
  failure: Failure | null;
  outcome: Outcome | null;
  /** One delivery machine for each destination of the outcome, by destination id. */
  deliveries: Readonly<Record<string, Delivery>>;
  /** The invocations that ran it again. */
  redrives: readonly string[];
};

/**
 * The effects. The machine names them; a role performs them after the append (E1), by its table of effects. A role that finds an invocation
 * in the log performs the effects that its state asks for (`effectsDue`), since the process that appended the state may be gone.
 */
const effects = {
  /** The worker appends `running` when a slot is free; the scheduler wakes a worker, or ends a request that is too old. */
  startAttempt: () => {},
  /** The worker that appended `running` runs the function. Another worker asks first whether that one is alive. */
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

export type InvocationEffect = keyof typeof effects;

/**
 * The life of one asynchronous invocation: `queued → running → retrying → running … → succeeded | failed → notified`.
 *
 * The machine judges facts. It decides which may follow which, and names the effects that a fact asks for; it performs
 * none, reads no clock and draws no chance. A fact that it refuses is never appended to the log.
 */
export const invocationMachine = setup({
  types: { context: {} as InvocationContext, events: {} as Fact },
  guards: {
    /** Attempts are numbered without gap or repeat. The first one brings the terms, no other does. */
    startsFirstAttempt: ({ event }) => isFact(event, 'running') && event.attempt === 1 && event.terms !== undefined,
    /** A retry never starts before its time (T1). */
    startsDueAttempt: ({ context, event }) =>
      isFact(event, 'running') && event.attempt === context.attempts + 1 && event.terms === undefined && event.at >= (context.dueAt ?? 0),
    /** The fence (E5): what a worker says about an attempt that is not the current one is refused. */
    settlesCurrentAttempt: ({ context, event }) => 'attempt' in event && event.attempt === context.attempts,
    mayRetry: ({ context, event }) =>
      isFact(event, 'retrying') && event.attempt === context.attempts && event.dueAt >= event.at && acceptsRetry(context, event.failure),
    /** Failed before any attempt: too old, no such function, a request that cannot run. */
    neverRan: ({ event }) => isFact(event, 'failed') && event.attempt === 0,
    knowsTheDestination: ({ context, event }) => nextDelivery(context, event as DeliveryFact) !== undefined,
    everyDeliveryIsSettled: ({ context }) => allDeliveriesSettled(context),
  },
  actions: {
    recordRequest: assign({ request: ({ event }) => event as FactOf<'queued'> }),
    recordAttempt: assign(({ context, event }) => {
      const running = event as FactOf<'running'>;
      return {
        terms: running.terms ?? context.terms,
        attempts: running.attempt,
        worker: running.worker,
        startedAt: running.at,
        dueAt: null,
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
      return { worker: null, startedAt: null, dueAt: null, outcome, failure };
    }),
    recordDelivery: assign(({ context, event }) => {
      const fact = event as DeliveryFact;
      const next = nextDelivery(context, fact);
      return next === undefined ? {} : { deliveries: { ...context.deliveries, [fact.destination]: next } };
    }),
    recordRedrive: assign({ redrives: ({ context, event }) => [...context.redrives, (event as FactOf<'redriven'>).redrive] }),
    ...effects,
  },
}).createMachine({
  id: 'invocation',
  version: '1',
  description: 'One asynchronous invocation of a function',
  context: {
    request: null,
    terms: null,
    attempts: 0,
    retries: 0,
    lost: 0,
    worker: null,
    startedAt: null,
    dueAt: null,
    failure: null,
    outcome: null,
    deliveries: {},
    redrives: [],
  },
  initial: 'unborn',
  states: {
    unborn: {
      description: 'Nothing was accepted yet',
      on: { queued: { target: 'queued', actions: 'recordRequest' } },
    },
    queued: {
      description: 'Accepted and durable; no attempt has started',
      entry: 'startAttempt',
      on: {
        running: { guard: 'startsFirstAttempt', target: 'running', actions: 'recordAttempt' },
        failed: { guard: 'neverRan', target: 'failed', actions: 'recordOutcome' },
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
        running: { guard: 'startsDueAttempt', target: 'running', actions: 'recordAttempt' },
        failed: { guard: 'settlesCurrentAttempt', target: 'failed', actions: 'recordOutcome' },
      },
    },
    succeeded: {
      description: 'The function returned; its destinations are being told',
      entry: ['publishResult', 'deliverOutcome'],
      on: {
        'delivery.started': { guard: 'knowsTheDestination', actions: ['recordDelivery', 'deliver'] },
        'delivery.*': { guard: 'knowsTheDestination', actions: 'recordDelivery' },
        notified: { guard: 'everyDeliveryIsSettled', target: 'notified' },
      },
    },
    failed: {
      description: 'No further attempt will be made; its destinations are being told',
      entry: ['publishResult', 'deliverOutcome'],
      on: {
        'delivery.started': { guard: 'knowsTheDestination', actions: ['recordDelivery', 'deliver'] },
        'delivery.*': { guard: 'knowsTheDestination', actions: 'recordDelivery' },
        notified: { guard: 'everyDeliveryIsSettled', target: 'notified' },
      },
    },
    notified: {
      description: 'Every delivery is settled, or there was nothing to deliver',
      on: {
        // A dead delivery is tried again; that changes neither the outcome nor this.
        'delivery.started': { guard: 'knowsTheDestination', actions: ['recordDelivery', 'deliver'] },
        'delivery.*': { guard: 'knowsTheDestination', actions: 'recordDelivery' },
        redriven: { actions: 'recordRedrive' },
      },
    },
  },
});

export type Invocation = SnapshotFrom<typeof invocationMachine>;

/** Folds facts into invocations: the one function that worker, scheduler, projection and page share. */
export const invocationFolder = createFolder(invocationMachine);

const afterNotified: readonly InvocationEffect[] = ['publishResult'];
const whileRedriven: readonly InvocationEffect[] = ['publishResult', 'deliverOutcome'];

/**
 * The effects that an invocation asks for as the log has it: what its state names on entry. An effect may have been performed already; it is
 * performed again then, because only the log is known after a crash.
 */
export function effectsDue(invocation: Invocation): readonly InvocationEffect[] {
  if (invocation.value !== 'notified') return invocationFolder.entryEffects(invocation) as readonly InvocationEffect[];
  // An outcome and its `notified` may be one append: then nobody knows whether the result was published.
  return allDeliveriesSettled(invocation.context) ? afterNotified : whileRedriven;
}

/** Whether another attempt is granted after this failure. */
export function canTryAgain(context: Pick<InvocationContext, 'terms' | 'retries' | 'lost'>, failure: Failure): boolean {
  switch (failure.kind) {
    case 'function':
      return context.retries < (context.terms?.maxRetries ?? 0);
    case 'lost':
      return context.lost + 1 < MAX_LOST_ATTEMPTS;
    case 'platform':
      // Bounded by the age of the event.
      return true;
  }
}

/**
 * Whether a log may hold another attempt after this failure.
 *
 * Version 0.1 granted one more attempt, after the eighth lost worker. Its logs must fold to the states that they had, and its workers may
 * still run during an upgrade. So the guard accepts that attempt, and `canTryAgain` never grants it.
 */
export function acceptsRetry(context: Pick<InvocationContext, 'terms' | 'retries' | 'lost'>, failure: Failure): boolean {
  return failure.kind === 'lost' ? context.lost < MAX_LOST_ATTEMPTS : canTryAgain(context, failure);
}

/** FunctionGraph's five statuses. */
export type Status = 'WAIT' | 'RUNNING' | 'SUCCESS' | 'FAIL' | 'DISCARD';

/** The vendor's status of an invocation; `notified` keeps the status of its outcome. */
export function statusOf({ value, context }: Invocation): Status {
  if (context.outcome !== null) {
    if (context.outcome.type === 'succeeded') return 'SUCCESS';
    const { condition, attempt } = context.outcome;
    const dropped = condition === 'EventAgeExceeded' || condition === 'LoopDetected';
    return dropped && attempt === 0 ? 'DISCARD' : 'FAIL';
  }
  return value === 'running' || value === 'retrying' ? 'RUNNING' : 'WAIT';
}

function isFact<Type extends Fact['type']>(fact: Fact, type: Type): fact is FactOf<Type> {
  return fact.type === type;
}

type Folded = { context: InvocationContext; fact: DeliveryFact; next: Delivery | undefined };
let latest: Folded | undefined;

/** The guard asks, and then the action asks the same again: it is folded once. */
function nextDelivery(context: InvocationContext, fact: DeliveryFact): Delivery | undefined {
  if (latest?.context !== context || latest.fact !== fact) latest = { context, fact, next: foldDelivery(context, fact) };
  return latest.next;
}

function foldDelivery(context: InvocationContext, fact: DeliveryFact): Delivery | undefined {
  const known = context.outcome?.destinations?.some(({ id }) => id === fact.destination);
  if (!known) return undefined;
  return deliveryFolder.step(deliveryOf(context, fact.destination) ?? deliveryFolder.initial, fact)?.snapshot;
}

/** The destinations of the outcome that are not told yet. */
export function openDeliveries(context: InvocationContext): Destination[] {
  return (context.outcome?.destinations ?? []).filter(({ id }) => !isSettled(deliveryOf(context, id)));
}

/** Whether no destination of the outcome is left to tell. */
export function allDeliveriesSettled(context: InvocationContext): boolean {
  return (context.outcome?.destinations ?? []).every(({ id }) => isSettled(deliveryOf(context, id)));
}

/** The delivery to a destination, once it began. A destination may be named like something that every object inherits. */
export function deliveryOf({ deliveries }: InvocationContext, destination: string): Delivery | undefined {
  return Object.hasOwn(deliveries, destination) ? deliveries[destination] : undefined;
}
