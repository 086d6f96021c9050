import type { Destination, Fact, FactOf, Failure, Terms } from '#machines/facts.ts';

/** Facts of one invocation for tests. Times are small numbers, because only their order matters. */

export const ID = 'order-1';

export const terms: Terms = {
  revision: 1,
  timeoutInMs: 30_000,
  maxRetries: 2,
  maxAgeInMs: 60_000,
  backoff: { initialInMs: 1_000, factor: 2, maxInMs: 60_000, jitter: 0 },
};

export const threw: Failure = { kind: 'function', errorType: 'Error', message: 'boom', code: 4_002 };
export const unplaced: Failure = { kind: 'platform', errorType: 'NoResponder', message: 'no responder answers', code: 161_900 };
export const vanished: Failure = { kind: 'lost', errorType: 'WorkerLost', message: 'worker w1 vanished', code: 161_901 };

type Part<Type extends Fact['type']> = Partial<Omit<FactOf<Type>, 'type'>>;

export function queued(part: Part<'queued'> = {}): FactOf<'queued'> {
  return { type: 'queued', invocation: ID, at: 0, function: 'orders', qualifier: 'latest', ...part };
}

export function deferred(part: Part<'deferred'> = {}): FactOf<'deferred'> {
  return { type: 'deferred', invocation: ID, at: 5, flow: { pool: 'function.orders', key: 'customer-7' }, ...part };
}

/** A member of the group of another invocation. */
export function joined({
  leader,
  ...part
}: Part<'debounce.joined'> & Pick<FactOf<'debounce.joined'>, 'leader'>): FactOf<'debounce.joined'> {
  return { type: 'debounce.joined', invocation: ID, at: 10, keep: 'all', leader, ...part };
}

/** The first attempt brings the terms, as a worker appends it. */
export function running(attempt: number, part: Part<'running'> = {}): FactOf<'running'> {
  return { type: 'running', invocation: ID, at: 10, attempt, worker: 'w1', ...(attempt === 1 ? { terms } : {}), ...part };
}

export function retrying(attempt: number, part: Part<'retrying'> = {}): FactOf<'retrying'> {
  return { type: 'retrying', invocation: ID, at: 20, attempt, dueAt: 20, failure: threw, ...part };
}

export function succeeded(attempt: number, part: Part<'succeeded'> = {}): FactOf<'succeeded'> {
  return { type: 'succeeded', invocation: ID, at: 30, attempt, payload: '"done"', ...part };
}

export function failed(attempt: number, part: Part<'failed'> = {}): FactOf<'failed'> {
  return { type: 'failed', invocation: ID, at: 30, attempt, condition: 'UnhandledInvocationError', failure: threw, ...part };
}

export function notified(part: Part<'notified'> = {}): FactOf<'notified'> {
  return { type: 'notified', invocation: ID, at: 40, ...part };
}

export const billing: Destination = { id: 'd1', destination: 'FunctionGraph', param: '{"func_urn":"urn:billing"}' };
export const alarm: Destination = { id: 'd2', destination: 'SMN', param: '{"topic_urn":"urn:alarm"}' };

const delivery = { invocation: ID, at: 50 };

export function deliveryStarted(attempt: number, part: Part<'delivery.started'> = {}): FactOf<'delivery.started'> {
  return { type: 'delivery.started', ...delivery, destination: billing.id, try: attempt, deliverer: 'p1', ...part };
}

export function deliveryFailed(attempt: number, part: Part<'delivery.failed'> = {}): FactOf<'delivery.failed'> {
  return { type: 'delivery.failed', ...delivery, destination: billing.id, try: attempt, dueAt: 60, reason: 'HTTP 500', ...part };
}

export function deliveryDelivered(attempt: number, part: Part<'delivery.delivered'> = {}): FactOf<'delivery.delivered'> {
  return { type: 'delivery.delivered', ...delivery, destination: billing.id, try: attempt, ...part };
}

export function deliveryDead(attempt: number, part: Part<'delivery.dead'> = {}): FactOf<'delivery.dead'> {
  return { type: 'delivery.dead', ...delivery, destination: billing.id, try: attempt, reason: 'gave up', ...part };
}

export function deliveryPostponed(attempt: number, part: Part<'delivery.postponed'> = {}): FactOf<'delivery.postponed'> {
  return {
    type: 'delivery.postponed',
    ...delivery,
    destination: billing.id,
    try: attempt,
    dueAt: 60,
    reason: 'the circuit is open',
    ...part,
  };
}

export function deliveryRedriven(attempt: number, part: Part<'delivery.redriven'> = {}): FactOf<'delivery.redriven'> {
  return { type: 'delivery.redriven', ...delivery, destination: billing.id, try: attempt, ...part };
}

export function deliveryDismissed(attempt: number, part: Part<'delivery.dismissed'> = {}): FactOf<'delivery.dismissed'> {
  return { type: 'delivery.dismissed', ...delivery, destination: billing.id, try: attempt, note: 'told by phone', ...part };
}

export function redriven(part: Part<'redriven'> = {}): FactOf<'redriven'> {
  return { type: 'redriven', invocation: ID, at: 90, redrive: 'order-1-again', ...part };
}
