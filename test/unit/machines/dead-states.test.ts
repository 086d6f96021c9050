import { describe, expect, test } from 'vitest';
import { allDeliveriesSettled, deliveryOf, openDeliveries } from '#machines/deliveries.ts';
import type { Fact, FactOf } from '#machines/facts.ts';
import { type Invocation, invocationFolder, isBatch } from '#machines/invocation.ts';
import { hasWayOn } from '#src/analysis/verify/no-way-on.ts';
import { type Flow, flowSchema, hasLimits, poolOf } from '#src/core/functions/flow.ts';
import type { AcceptedRequest } from '#src/core/log/event-log.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { isInvocationSettled } from '#src/core/stream/stream.ts';
import { beforeAttempt } from '#src/worker/groups/debounced-run.ts';
import {
  billing,
  deferred,
  deliveryDead,
  deliveryDelivered,
  deliveryDismissed,
  deliveryFailed,
  deliveryPostponed,
  deliveryRedriven,
  deliveryStarted,
  failed,
  ID,
  joined,
  notified,
  queued,
  retrying,
  running,
  succeeded,
  terms,
  vanished,
} from '#test/support/log/facts.ts';

/*
 * A breadth-first search over the machine: every sequence of the facts below, whatever their order, until no new state follows. A state is
 * dead when a role that works on the invocation proposes a fact there and the machine refuses the fact, because the role proposes it for ever.
 */

const NOW = 100;
const NAME = 'orders' as FunctionName;
const MAX_ATTEMPTS = 2;
const other = { invocation: 'order-2', request: 7 };
const debounce = { keep: 'all', waitInMs: 5_000, maxWaitInMs: 60_000 } as const;

/** The flows that the function may have when a worker looks at the invocation: the definition changes while the invocation waits. */
const flows: readonly (Flow | undefined)[] = [
  undefined,
  { concurrency: 1, key: '$.customer' },
  { rate: { limit: 1, per: '1s' } },
  { key: '$.customer', debounce: { wait: '5s', keep: 'all' } },
  { concurrency: 1, pool: 'shared', debounce: { wait: '5s', keep: 'last' } },
].map((flow) => (flow === undefined ? undefined : flowSchema.parse(flow)));

const request = { payload: '{"customer":"customer-7"}', fact: queued() } as unknown as AcceptedRequest;

const closed: FactOf<'debounce.closed'> = {
  ...{ type: 'debounce.closed', invocation: ID, at: NOW, keep: 'all', dueAt: NOW, members: [other] },
};
const slots = flows.flatMap((flow) => (flow === undefined ? [] : [slotWaitOf(flow)]));
const groups = flows.flatMap((flow) =>
  flow?.debounce === undefined ? [] : [deferred({ at: NOW, flow: { ...slotWaitOf(flow).flow, debounce } })],
);

const facts: readonly Fact[] = [
  queued(),
  ...slots,
  ...groups,
  closed,
  joined({ at: NOW, leader: other }),
  ...[1, 2].flatMap((attempt) => [
    running(attempt, { at: NOW, ...(attempt === 1 ? { terms: { ...terms, onFailure: [billing] } } : {}) }),
    retrying(attempt, { at: NOW, dueAt: NOW }),
    retrying(attempt, { at: NOW, dueAt: NOW, failure: vanished }),
    succeeded(attempt),
    failed(attempt, { destinations: [billing] }),
  ]),
  failed(0),
  succeeded(0, { leader: other.invocation }),
  failed(0, { leader: other.invocation }),
  ...[1, 2].flatMap((one) => [deliveryStarted(one, { at: NOW }), deliveryFailed(one), deliveryDelivered(one)]),
  ...[0, 1, 2].flatMap((one) => [deliveryPostponed(one), deliveryDead(one), deliveryRedriven(one), deliveryDismissed(one)]),
  notified(),
];

const opening = queued({ dueAt: NOW, opens: { batch: 'import', onComplete: [billing] } });
const seal = (reason: FactOf<'batch.sealed'>['reason']): Fact => ({ type: 'batch.sealed', invocation: ID, at: NOW, reason });
const batchFacts: readonly Fact[] = [
  ...[opening, seal('ended'), seal('canceled'), seal('abandoned'), succeeded(0, { destinations: [billing] })],
  ...[1, 2].flatMap((one) => [deliveryStarted(one, { at: NOW }), deliveryFailed(one), deliveryDelivered(one)]),
  ...[0, 1, 2].flatMap((one) => [deliveryDead(one), deliveryRedriven(one), deliveryDismissed(one)]),
  notified(),
];

describe('the machine of an invocation', () => {
  test('accepts in every state that a sequence of facts reaches what a role proposes there', () => {
    const { deadEnds, states } = search(facts);
    expect(states).toBeGreaterThan(1_000);
    expect(deadEnds).toEqual([]);
  });
});

describe('the machine of a batch', () => {
  test('accepts in every state that a sequence of facts reaches what a role proposes there', () => {
    const { deadEnds, states } = search(batchFacts);
    expect(states).toBeGreaterThan(20);
    expect(deadEnds).toEqual([]);
  });
});

/** Searches all states, and returns a shortest path to each dead one. A dead state that follows only from dead ones is left out. */
function search(alphabet: readonly Fact[]): { deadEnds: string[]; states: number } {
  const seen = new Set<string>([JSON.stringify(invocationFolder.initial)]);
  const deadEnds: string[] = [];
  const reached: { state: Invocation; path: readonly string[] }[] = [{ state: invocationFolder.initial, path: [] }];
  for (const { state, path } of reached) {
    if (state.value !== 'initial' && !isInvocationSettled(state) && !hasWayOn(state))
      deadEnds.push(`after ${path.join(', ')}: has no way on`);
    const refused = proposalsIn(state).filter((fact) => !invocationFolder.accepts(state, fact));
    if (refused.length > 0) deadEnds.push(`after ${path.join(', ')}: refuses ${[...new Set(refused.map(({ type }) => type))].join(', ')}`);
    else reached.push(...following(state, alphabet, seen).map(([next, fact]) => ({ state: next, path: [...path, nameOf(fact)] })));
  }
  return { deadEnds, states: seen.size };
}

/** The states that follow from a state by one fact, and were not seen before. */
function following(state: Invocation, alphabet: readonly Fact[], seen: Set<string>): [Invocation, Fact][] {
  return alphabet.flatMap((fact): [Invocation, Fact][] => {
    const found = invocationFolder.step(state, fact)?.snapshot;
    if (found === undefined || isBeyond(found)) return [];
    const key = JSON.stringify(found);
    if (seen.has(key)) return [];
    seen.add(key);
    return [[found, fact]];
  });
}

/** Attempts and tries are bounded, so that the states are. */
function isBeyond({ context }: Invocation): boolean {
  const tries = Object.values(context.deliveries).some((delivery) => delivery.context.tries > MAX_ATTEMPTS);
  return context.attempts > MAX_ATTEMPTS || tries;
}

/** What the roles propose for an invocation in this state, for each definition that the function may have now. */
function proposalsIn(state: Invocation): Fact[] {
  if (isBatch(state)) return ofBatch(state);
  const { value, context } = state;
  const next = context.attempts + 1;
  switch (value) {
    case 'queued':
    case 'retrying':
      return flows.flatMap((flow) => beforeStart(state, flow));
    case 'running':
      return [succeeded(next - 1), failed(next - 1), retrying(next - 1, { at: NOW, dueAt: NOW, failure: vanished })];
    case 'succeeded':
    case 'failed':
    case 'notified':
      return ofOutcome(state);
    default:
      return [queued()];
  }
}

function beforeStart(state: Invocation, flow: Flow | undefined): Fact[] {
  const { context } = state;
  if (context.group?.leader !== undefined) return [succeeded(0, { leader: other.invocation }), failed(0, { leader: other.invocation })];
  const first = beforeAttempt({ invocation: state, request, name: NAME, flow, payloads: undefined, now: NOW });
  if (first === 'wait') return [closed, joined({ at: NOW, leader: other })];
  if (first !== 'run') return [first];
  const attempt = context.attempts + 1;
  const start = running(attempt, { at: NOW });
  if (!hasLimits(flow)) return [start];
  const wait = slotWaitOf(flow);
  const isRecorded = context.waitsFor?.pool === wait.flow.pool && context.waitsFor.key === wait.flow.key;
  return isRecorded ? [start] : [start, wait];
}

function ofBatch(state: Invocation): Fact[] {
  if (state.value === 'queued') return [seal('ended'), seal('canceled'), seal('abandoned')];
  if (state.value === 'running') return [succeeded(0, { destinations: [billing] })];
  return ofOutcome(state);
}

function ofOutcome({ value, context }: Invocation): Fact[] {
  const open = openDeliveries(context).flatMap(({ id }): Fact[] => {
    const delivery = deliveryOf(context, id);
    const tries = delivery?.context.tries ?? 0;
    return delivery?.value === 'delivering'
      ? [deliveryFailed(tries), deliveryDelivered(tries), deliveryDead(tries)]
      : [deliveryStarted(tries + 1, { at: NOW }), deliveryPostponed(tries, { at: NOW }), deliveryDead(tries)];
  });
  return value !== 'notified' && allDeliveriesSettled(context) ? [notified()] : open;
}

/** The wait of an attempt for a slot or a token of a flow. */
function slotWaitOf(flow: Flow): FactOf<'deferred'> {
  return deferred({ at: NOW, flow: { pool: poolOf(NAME, flow), key: flow.key === undefined ? '' : 'customer-7' } });
}

function nameOf(fact: Fact): string {
  return fact.type === 'deferred' && fact.flow.debounce !== undefined ? 'deferred (debounce)' : fact.type;
}
