import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Invocation, invocationFolder } from '#machines/invocation.ts';
import { accepts, following, type Life, type Fact as Proposed } from '#src/analysis/verify/life.generated.ts';
import { comparable, factOf, lifeOf } from '#test/specification/replay.ts';

/* Any role proposes any fact: the machine against the specification as its model. A failure is shrunk to the fewest facts. */

const kinds = 'running retrying succeeded failed deferred.slot deferred.group debounce.closed debounce.joined notified redriven'.split(' ');
const tries = 'started failed delivered dead postponed redriven dismissed'.split(' ').map((kind) => `delivery.${kind}`);
const begin: Life = {
  ...{ id: 'i-1', isBatch: false, isCanceled: false, state: 'queued', dueAt: 0, attempts: 0, retries: 0, maxRetries: 0, lost: 0 },
  ...{ isSynchronous: false, waits: 'none', queue: '', group: 'none', leader: '', delivery: 'none', tries: 0, deliveryDueAt: 0 },
};
type Proposal = {
  kind: string;
  offset: number;
  passes: number;
  dueIn: number;
  hasTerms: boolean | undefined;
} & Pick<Proposed, 'failure' | 'leader' | 'queue' | 'isSynchronous' | 'hasDestination'>;
type Model = { life: Life; now: number };
type Real = { invocation: Invocation };
const proposals: fc.Arbitrary<Proposal> = fc.record({
  kind: fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...kinds) }, fc.constantFrom(...tries)),
  offset: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.constantFrom(-1, 1)),
  passes: fc.nat(2),
  dueIn: fc.integer({ min: -1, max: 2 }),
  failure: fc.constantFrom('function', 'lost', 'platform', 'final'),
  leader: fc.constantFrom('', 'i-0', 'i-1'),
  queue: fc.constantFrom('p/k', 'p/l'),
  hasTerms: fc.option(fc.boolean(), { nil: undefined }),
  isSynchronous: fc.boolean(),
  hasDestination: fc.boolean(),
});

const propose = ({ kind, offset, passes, dueIn, hasTerms, ...more }: Proposal): fc.Command<Model, Real> => ({
  check: () => true,
  toString: () => `${kind} ${JSON.stringify({ offset, passes, dueIn, hasTerms, ...more })}`,
  run(model, real) {
    model.now += passes;
    const next = kind === 'running' || kind === 'delivery.started' ? 1 : 0;
    const number = (tries.includes(kind) ? model.life.tries : model.life.attempts) + next + offset;
    const leader = kind === 'debounce.joined' && more.leader === '' ? 'i-0' : more.leader;
    const common = { number, at: model.now, dueAt: model.now + dueIn, maxRetries: 1, isCancellation: false };
    const fact: Proposed = { ...more, ...common, kind, leader, hasTerms: hasTerms ?? number === 1 };
    const step = invocationFolder.step(real.invocation, factOf(fact));
    expect(step !== undefined).toBe(accepts(model.life, fact));
    if (step === undefined) return;
    model.life = following(model.life, fact);
    real.invocation = step.snapshot;
    expect(lifeOf(real.invocation)).toEqual(comparable(model.life));
  },
});

test('the machine and the specification accept the same facts in any order, and are in the same state', () => {
  const queued = { type: 'queued', invocation: 'i-1', at: 1_700_000_001_000, function: 'f', qualifier: 'latest' } as const;
  const first = invocationFolder.step(invocationFolder.initial, queued)?.snapshot;
  if (first === undefined) throw new Error('the machine refuses the request');
  fc.assert(
    fc.property(fc.commands([proposals.map(propose)], { maxCommands: 60 }), (given) =>
      fc.modelRun(() => ({ model: { life: begin, now: 1 }, real: { invocation: first } }), given),
    ),
    { numRuns: 500 },
  );
});
