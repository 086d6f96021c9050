import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Fact, FactOf } from '#machines/facts.ts';
import { invocationFolder } from '#machines/invocation.ts';
import { type FindingKind, findingKinds } from '#src/analysis/verify/findings.ts';
import { type Verification, Verifier } from '#src/analysis/verify/verify.ts';
import { defineFunction } from '#src/client/worker/define-function.ts';
import { shortLinkOf } from '#src/core/log/chain.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import { createTestSequent } from '#src/testing/testing.ts';
import { readRecording, recordings } from '#test/support/histories/recorded-histories.ts';
import { repeatLog, runGoodLog } from '#test/support/log/good-log.ts';
import { collect } from '#test/support/log/opened-log.ts';

type Append = Extract<FullLogEntry, { kind: 'append' }>;

function verify(entries: readonly FullLogEntry[], from = 1, isStrict = false): Verification {
  const verifier = new Verifier({ from, isStrict });
  for (const entry of entries) verifier.read(entry);
  return verifier.finish();
}

describe('a good log', () => {
  test('of ten thousand invocations has no finding, and all invocations are settled', async () => {
    const run = await runGoodLog(590);
    const { findings, balance, found } = verify(repeatLog(run, 10));
    expect(findings).toEqual([]);
    expect(found).toBe(0);
    expect(balance.accepted).toBeGreaterThan(10_000);
    expect(balance.accepted).toBe(10 * verify(run).balance.accepted);
    expect(balance).toEqual({ ...balance, settled: balance.accepted, open: {} });
    expect(balance.succeeded + balance.failed).toBe(balance.accepted);
  });

  test.for(recordings)('that an earlier version wrote has no finding, in the specification neither: %s', (file) => {
    expect(verify(readRecording(file).entries, 1, true).findings).toEqual([]);
  });

  test('that is truncated has no finding: open invocations count in the balance', async () => {
    const entries = await runGoodLog(50);
    for (let length = 0; length < entries.length; length += 7) expect(verify(entries.slice(0, length)).findings).toEqual([]);
  });

  test('may be read from a later sequence: appends about earlier requests are skipped', async () => {
    const entries = await runGoodLog(50);
    const middle = entries[Math.floor(entries.length / 2)]?.sequence ?? 0;
    const { findings, skipped } = verify(
      entries.filter(({ sequence }) => sequence >= middle),
      middle,
    );
    expect(findings).toEqual([]);
    expect(skipped).toBeGreaterThan(0);
  });
});

/** Finds a fact of a type: its append, and the index of that append in the log. */
function find<Type extends Fact['type']>(
  entries: FullLogEntry[],
  type: Type,
  matches: (fact: FactOf<Type>) => boolean = () => true,
): { entry: Append; index: number; fact: FactOf<Type> } {
  for (const [index, entry] of entries.entries()) {
    if (entry.kind !== 'append') continue;
    const fact = entry.append.facts.find((one) => one.type === type && matches(one as FactOf<Type>));
    if (fact !== undefined) return { entry, index, fact: fact as FactOf<Type> };
  }
  throw new Error(`the log has no such ${type}`);
}

/** A damage to a copy of a good log, and the expected finding. `plant` returns the expected sequence. */
type Damage = { what: string; kind: FindingKind; plant: (entries: FullLogEntry[]) => number };

const damages: Damage[] = [
  {
    what: 'a missing append',
    kind: 'broken-chain',
    plant(entries) {
      const { index, entry } = find(entries, 'retrying');
      entries.splice(index, 1);
      return (entries.find((one) => one.kind === 'append' && one.append.previous === entry.sequence) as Append).sequence;
    },
  },
  {
    what: 'a second outcome',
    kind: 'two-outcomes',
    plant(entries) {
      const { entry, fact } = find(entries, 'succeeded');
      entry.append.facts = [...entry.append.facts, { ...fact, payload: '"other"' }];
      return entry.sequence;
    },
  },
  {
    what: 'an outcome long after the end',
    kind: 'two-outcomes',
    plant(entries) {
      // A stream without destinations has left memory when it is settled.
      const { entry, fact } = find(entries, 'succeeded', ({ destinations }) => destinations === undefined);
      const sequence = (entries.at(-1)?.sequence ?? 0) + 1;
      const { version: previous, hash: link } = entry.append;
      const version = sequence as Append['append']['version'];
      const append = { ...entry.append, id: 'late', facts: [fact], previous, link, version };
      entries.push({ ...entry, sequence, append, link: shortLinkOf(append), wakeTimes: {} });
      return sequence;
    },
  },
  {
    what: 'a second request of one id',
    kind: 'duplicate-request',
    plant(entries) {
      const { entry } = find(entries, 'retrying');
      entry.append.request += 1_000_000;
      return entry.sequence;
    },
  },
  {
    what: 'a missing request',
    kind: 'unknown-request',
    plant(entries) {
      const { entry } = find(entries, 'running');
      entries.splice(
        entries.findIndex(({ sequence }) => sequence === entry.append.request),
        1,
      );
      return entry.sequence;
    },
  },
  {
    what: 'an attempt with a wrong number',
    kind: 'misnumbered-attempt',
    plant(entries) {
      const { entry, fact } = find(entries, 'running', ({ attempt }) => attempt === 2);
      fact.attempt = 3;
      return entry.sequence;
    },
  },
  {
    what: 'an attempt before its time',
    kind: 'too-early',
    plant(entries) {
      const { entry, fact } = find(entries, 'running', ({ attempt }) => attempt === 2);
      fact.at -= 1;
      return entry.sequence;
    },
  },
  {
    what: 'a retry that the terms do not allow',
    kind: 'too-many-retries',
    plant(entries) {
      const first = find(entries, 'retrying', ({ attempt }) => attempt === 2);
      const { fact } = find(entries, 'running', (one) => one.invocation === first.fact.invocation && one.attempt === 1);
      if (fact.terms !== undefined) fact.terms.maxRetries = 1;
      return first.entry.sequence;
    },
  },
  {
    what: 'an end without an outcome',
    kind: 'illegal-transition',
    plant(entries) {
      const { entry, fact } = find(entries, 'running');
      entry.append.facts = [...entry.append.facts, { type: 'notified', invocation: fact.invocation, at: fact.at }];
      return entry.sequence;
    },
  },
  {
    what: 'an open invocation without a wake time',
    kind: 'missing-wake-time',
    plant(entries) {
      const { entry } = find(entries, 'retrying');
      entry.wakeTimes = {};
      return entry.sequence;
    },
  },
  {
    what: 'a due time in the headers that differs from the facts',
    kind: 'wrong-wake-time',
    plant(entries) {
      const { entry } = find(entries, 'retrying');
      entry.wakeTimes = { ...entry.wakeTimes, dueAt: (entry.wakeTimes.dueAt ?? 0) + 60_000 };
      return entry.sequence;
    },
  },
  {
    what: 'a delivery to a destination that the outcome does not name',
    kind: 'wrong-delivery',
    plant(entries) {
      const { entry, fact } = find(entries, 'delivery.started');
      fact.destination = 'unknown-0';
      return entry.sequence;
    },
  },
  {
    what: 'a fact about an invocation of another stream',
    kind: 'foreign-fact',
    plant(entries) {
      const { entry, fact } = find(entries, 'running');
      fact.invocation = 'unknown';
      return entry.sequence;
    },
  },
  {
    what: 'a message that cannot be read',
    kind: 'unreadable',
    plant(entries) {
      const { entry, index } = find(entries, 'retrying');
      const { sequence, at } = entry;
      entries[index] = { kind: 'unreadable', sequence, at, why: 'no append that this version can read' };
      return sequence;
    },
  },
];

describe('verify', () => {
  let good: FullLogEntry[];
  beforeAll(async () => {
    good = await runGoodLog(40);
  });

  test.for(damages)('finds $what', ({ kind, plant }) => {
    const entries = structuredClone(good);
    expect(verify(entries).findings).toEqual([]);
    const sequence = plant(entries);
    const { findings } = verify(entries);
    expect(findings).toContainEqual(expect.objectContaining({ kind, sequence, rule: findingKinds[kind].rule }));
    // The first finding is at the damage.
    expect(findings[0]).toMatchObject({ kind, sequence });
  });

  test('finds nothing in two functions with one id, which are settled, requested again and redriven (ID1)', async () => {
    const names = ['orders', 'bills'];
    await using sequent = await createTestSequent({ functions: names.map((name) => defineFunction({ name, handler: () => 1 })) });
    for (const name of [...names, ...names]) {
      await sequent.invoke(name, {}, { id: 'order-1' });
      await sequent.runUntilIdle();
    }
    for (const name of names) await sequent.repair.redrive('order-1', { function: name });
    await sequent.runUntilIdle();
    const last = await sequent.log.lastSequence();
    const entries = await collect<FullLogEntry>(
      (on, signal) => sequent.log.followFully(1, on, signal),
      ({ sequence }) => sequence >= last,
    );
    const { findings, balance, repeated } = verify(entries);
    expect(findings).toEqual([]);
    expect([balance.accepted, balance.settled, balance.open, repeated]).toEqual([4, 4, {}, 2]);
  });

  test('finds by the specification what a machine that accepts everything lets pass, when it is strict', () => {
    const entries = structuredClone(good);
    const sequence = damages.find(({ kind }) => kind === 'misnumbered-attempt')?.plant(entries);
    expect(verify(good, 1, true).findings).toEqual([]);
    const broken = vi.spyOn(invocationFolder, 'step').mockImplementation((snapshot) => ({ snapshot, effects: [] }));
    onTestFinished(() => broken.mockRestore());
    const refusedBy = (isStrict: boolean) => verify(entries, 1, isStrict).findings.filter(({ kind }) => kind === 'illegal-transition');
    expect(refusedBy(false)).toEqual([]);
    expect(refusedBy(true)[0]).toMatchObject({ sequence, what: expect.stringMatching(/^it leaves the specification: running /) });
  });

  test('counts every finding, and keeps the first thousand', () => {
    const verifier = new Verifier();
    for (let sequence = 1; sequence <= 1_500; sequence++) verifier.read({ kind: 'unreadable', sequence, at: 0, why: 'noise' });
    const { findings, found } = verifier.finish();
    expect([findings.length, found]).toEqual([1_000, 1_500]);
  });
});
