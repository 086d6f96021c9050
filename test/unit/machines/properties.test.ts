import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AnyStateMachine, initialTransition, transition } from 'xstate';
import { deliveryMachine } from '#machines/delivery.ts';
import { conditions, type Destination, type Fact, type Failure, type Terms } from '#machines/facts.ts';
import { createFolder, type Folder } from '#machines/fold.ts';
import { type Invocation, invocationFolder, invocationMachine } from '#machines/invocation.ts';
import { MAX_LOST_ATTEMPTS } from '#machines/retry.ts';
import { alarm, billing, ID, terms, threw, unplaced, vanished } from '#test/support/log/facts.ts';

/*
 * Properties that hold for every sequence of facts, also for sequences that no role appends (E2, E4, E5, T1).
 */

const at = fc.integer({ min: 0, max: 60 });
const attempt = fc.integer({ min: 0, max: 5 });
const failure = fc.constantFrom<Failure>(threw, unplaced, vanished);
const maybeTerms = fc.constantFrom<{ terms?: Terms }>({}, { terms }, { terms: { ...terms, maxRetries: 0 } });
const destinations = fc.constantFrom<{ destinations?: Destination[] }>(
  {},
  { destinations: [] },
  { destinations: [billing] },
  { destinations: [billing, alarm] },
);
const delivery = { at, invocation: fc.constant(ID), destination: fc.constantFrom('d1', 'd2', 'd3'), try: fc.integer({ min: 0, max: 3 }) };

const anyFact: fc.Arbitrary<Fact> = fc.oneof(
  {
    weight: 1,
    arbitrary: at.map((moment): Fact => ({ type: 'queued', invocation: ID, at: moment, function: 'orders', qualifier: 'latest' })),
  },
  {
    weight: 6,
    arbitrary: fc
      .tuple(at, attempt, maybeTerms)
      .map(([moment, number, given]): Fact => ({ type: 'running', invocation: ID, at: moment, attempt: number, worker: 'w', ...given })),
  },
  {
    weight: 5,
    arbitrary: fc.record({ at, attempt, dueAt: at, failure }).map((given): Fact => ({ type: 'retrying', invocation: ID, ...given })),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(at, attempt, destinations).map(
      ([moment, number, destinations]): Fact => ({
        type: 'succeeded',
        invocation: ID,
        at: moment,
        attempt: number,
        payload: '1',
        ...destinations,
      }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.record({ at, attempt, failure, condition: fc.constantFrom(...(Object.keys(conditions) as (keyof typeof conditions)[])) }),
        destinations,
      )
      .map(([given, destinations]): Fact => ({ type: 'failed', invocation: ID, ...given, ...destinations })),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('deferred' as const),
      invocation: fc.constant(ID),
      at,
      flow: fc.record({ pool: fc.constant('function.f'), key: fc.constantFrom('a', 'b') }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('delivery.started' as const), deliverer: fc.constant('p'), ...delivery }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('delivery.failed' as const), ...delivery, dueAt: at, reason: fc.constant('500') }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('delivery.postponed' as const), ...delivery, dueAt: at, reason: fc.constant('open') }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('delivery.delivered' as const), ...delivery }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('delivery.dead' as const), ...delivery, reason: fc.constant('no') }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('delivery.redriven' as const), ...delivery }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('delivery.dismissed' as const), ...delivery, note: fc.constant('done') }) },
  { weight: 1, arbitrary: at.map((moment): Fact => ({ type: 'redriven', invocation: ID, at: moment, redrive: 'again' })) },
  { weight: 2, arbitrary: at.map((moment): Fact => ({ type: 'notified', invocation: ID, at: moment })) },
);

/** A plausible sequence of facts, with arbitrary facts inserted. */
const anyLife = fc
  .tuple(fc.array(anyFact, { maxLength: 60 }), fc.boolean())
  .map(([facts, isBorn]): Fact[] =>
    isBorn
      ? [
          { type: 'queued', invocation: ID, at: 0, function: 'orders', qualifier: 'latest' },
          { type: 'running', invocation: ID, at: 0, attempt: 1, worker: 'w', terms },
          ...facts,
        ]
      : facts,
  );

/** Folds with Sequent's folder and with XState; asserts that both agree on every fact. */
function agree(machine: AnyStateMachine, facts: readonly Fact[]): void {
  const folder: Folder<AnyStateMachine> = createFolder(machine);
  let [theirs] = initialTransition(machine);
  let ours = folder.initial;
  for (const fact of facts) {
    const [next, actions] = transition(machine, theirs, fact);
    const step = folder.step(ours, fact);
    expect(step === undefined).toBe(next === theirs);
    expect(JSON.stringify(step?.snapshot ?? ours)).toBe(JSON.stringify(next));
    expect(step?.effects ?? []).toEqual(actions.map(({ type }) => type));
    theirs = next;
    ours = step?.snapshot ?? ours;
  }
}

test('every fact leads where xstate’s own transition leads, with the same effects, or is refused by both', () => {
  fc.assert(
    fc.property(anyLife, (facts) => agree(invocationMachine, facts)),
    { numRuns: 300 },
  );
  const tries = fc.array(
    anyFact.filter(({ type }) => type.startsWith('delivery.')),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(tries, (facts) => agree(deliveryMachine, facts)),
    { numRuns: 300 },
  );
});

type Life = { accepted: Fact[]; last: Invocation };

function live(facts: readonly Fact[], onRefusal: (before: Invocation, fact: Fact) => void = () => {}): Life {
  let last = invocationFolder.initial;
  const accepted: Fact[] = [];
  for (const fact of facts) {
    const step = invocationFolder.step(last, fact);
    if (step === undefined) onRefusal(last, fact);
    else {
      last = step.snapshot;
      accepted.push(fact);
    }
  }
  return { accepted, last };
}

const runs = { numRuns: 300 };

describe('for every sequence of proposed facts', () => {
  test('an invocation has at most one outcome, then at most one notified, then only redrives (E4)', () => {
    fc.assert(
      fc.property(anyLife, (facts) => {
        const types = live(facts).accepted.map(({ type }) => type);
        expect(types.filter((type) => type === 'succeeded' || type === 'failed').length).toBeLessThanOrEqual(1);
        const end = types.indexOf('notified');
        if (end < 0) return;
        expect(types.slice(0, end).some((type) => type === 'succeeded' || type === 'failed')).toBe(true);
        for (const type of types.slice(end + 1)) expect(type).toMatch(/^(delivery\.|redriven$)/);
      }),
      runs,
    );
  });

  test('attempts are numbered 1, 2, 3 … without gap or repeat, and bounded (E5)', () => {
    fc.assert(
      fc.property(anyLife, (facts) => {
        const { accepted, last } = live(facts);
        const attempts = accepted.flatMap((fact) => (fact.type === 'running' ? [fact.attempt] : []));
        expect(attempts).toEqual(attempts.map((_, index) => index + 1));
        const platform = accepted.filter((fact) => fact.type === 'retrying' && fact.failure.kind === 'platform').length;
        expect(attempts.length).toBeLessThanOrEqual(1 + (last.context.terms?.maxRetries ?? 0) + MAX_LOST_ATTEMPTS + platform);
        expect(last.context.lost).toBeLessThanOrEqual(MAX_LOST_ATTEMPTS);
      }),
      runs,
    );
  });

  test('only the running attempt is settled, and no attempt starts before it is due (T1)', () => {
    fc.assert(
      fc.property(anyLife, (facts) => {
        let current = 0;
        let dueAt = 0;
        for (const fact of live(facts).accepted) {
          if (fact.type === 'running') {
            expect(fact.at).toBeGreaterThanOrEqual(dueAt);
            current = fact.attempt;
          } else if ('attempt' in fact) expect(fact.attempt).toBe(current);
          if (fact.type === 'retrying') ({ dueAt } = fact);
        }
      }),
      runs,
    );
  });

  test('the terms are those of the first attempt', () => {
    fc.assert(
      fc.property(anyLife, (facts) => {
        const { accepted, last } = live(facts);
        const first = accepted.find((fact) => fact.type === 'running');
        expect(last.context.terms).toEqual(first?.type === 'running' ? first.terms : null);
      }),
      runs,
    );
  });

  test('no invocation is notified while a delivery is open (E4)', () => {
    fc.assert(
      fc.property(anyLife, (facts) => {
        const end = live(facts).accepted.findIndex(({ type }) => type === 'notified');
        if (end < 0) return;
        const { last } = live(live(facts).accepted.slice(0, end + 1));
        for (const { id } of last.context.outcome?.destinations ?? [])
          expect(last.context.deliveries[id]?.value).toMatch(/^(delivered|dead)$/);
      }),
      runs,
    );
  });

  test('a refused fact leaves the snapshot unchanged', () => {
    fc.assert(
      fc.property(anyLife, (facts) => {
        live(facts, (before, fact) => {
          const text = JSON.stringify(before);
          expect(invocationFolder.step(before, fact)).toBeUndefined();
          expect(JSON.stringify(before)).toBe(text);
        });
      }),
      { numRuns: 100 },
    );
  });

  test('the accepted facts alone lead to the same state and effects, in another folder too (E2)', () => {
    const other = createFolder(invocationMachine);
    fc.assert(
      fc.property(anyLife, (facts) => {
        const { accepted, last } = live(facts);
        let again = other.initial;
        for (const fact of accepted) {
          const step = other.step(again, structuredClone(fact));
          if (step === undefined) throw new Error(`the other folder refuses ${fact.type}`);
          again = step.snapshot;
        }
        expect(JSON.stringify(again)).toBe(JSON.stringify(last));
      }),
      runs,
    );
  });
});
