import { beforeAll, describe, expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import type { FindingKind } from '#src/analysis/verify/findings.ts';
import { Verifier } from '#src/analysis/verify/verify.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import { runGoodLog } from '#test/support/log/good-log.ts';

type Append = Extract<FullLogEntry, { kind: 'append' }>;
type Version = Append['append']['version'];

function findingsIn(entries: readonly FullLogEntry[]): { kind: FindingKind; sequence: number }[] {
  const verifier = new Verifier();
  for (const entry of entries) verifier.read(entry);
  return verifier.finish().findings;
}

function firstWith(entries: readonly FullLogEntry[], matches: (fact: Fact) => boolean): Append {
  const found = entries.find((entry) => entry.kind === 'append' && entry.append.facts.some(matches));
  if (found?.kind !== 'append') throw new Error('the log has no such append');
  return found;
}

/** Changes an append in the store of the log. By default the header with the hashes is removed too, so only the chain shows the change. */
function change(entry: Append, changed: Partial<Append['append']>, header: 'kept' | 'removed' = 'removed'): void {
  Object.assign(entry, { append: { ...entry.append, ...changed } }, header === 'removed' ? { link: undefined } : {});
}

const isOf = (type: Fact['type']) => (fact: Fact) => fact.type === type;
const hasNoDestinations = (fact: Fact): boolean => fact.type === 'succeeded' && fact.destinations === undefined;

/** A damage to a copy of a good log. `plant` returns the sequence of the expected finding. */
type Damage = { what: string; kind: FindingKind; plant: (entries: FullLogEntry[]) => number };

const damages: Damage[] = [
  {
    what: 'an append that follows a lost message',
    kind: 'wrong-link',
    plant(entries) {
      const entry = firstWith(entries, isOf('succeeded'));
      change(entry, { link: 'lost' });
      return entry.sequence;
    },
  },
  {
    what: 'a rewritten request, by its first append',
    kind: 'wrong-link',
    plant(entries) {
      const entry = firstWith(entries, isOf('running'));
      const request = entries.find((one) => one.kind === 'request' && one.sequence === entry.append.request);
      if (request?.kind === 'request') request.message.hash = 'rewritten';
      return entry.sequence;
    },
  },
  {
    what: 'a rewritten append, by the append after it',
    kind: 'wrong-link',
    plant(entries) {
      const entry = firstWith(entries, isOf('running'));
      change(entry, { hash: 'rewritten' });
      return (entries.find((one) => one.kind === 'append' && one.append.previous === entry.sequence) as Append).sequence;
    },
  },
  {
    what: 'a rewritten last append, by its headers',
    kind: 'rewritten',
    plant(entries) {
      const entry = firstWith(entries, isOf('notified'));
      change(entry, { hash: 'rewritten' }, 'kept');
      return entry.sequence;
    },
  },
  {
    what: 'an append whose link was removed',
    kind: 'missing-link',
    plant(entries) {
      const entry = firstWith(entries, isOf('succeeded'));
      change(entry, { link: undefined });
      return entry.sequence;
    },
  },
  {
    what: 'a wrong link in a stream that has left memory',
    kind: 'wrong-link',
    plant(entries) {
      // A stream without destinations leaves memory when it is settled.
      const entry = firstWith(entries, hasNoDestinations);
      const sequence = (entries.at(-1)?.sequence ?? 0) + 1;
      const late = { ...entry, sequence, wakeTimes: {} };
      change(late, { facts: [], previous: entry.append.version, version: sequence as Version, link: 'lost' });
      entries.push(late);
      return sequence;
    },
  },
];

describe('the verification of the links', () => {
  let good: FullLogEntry[];
  beforeAll(async () => {
    good = await runGoodLog(100);
  });

  test.for(damages)('finds $what', ({ kind, plant }) => {
    const entries = structuredClone(good);
    expect(findingsIn(entries)).toEqual([]);
    const sequence = plant(entries);
    expect(findingsIn(entries)[0]).toMatchObject({ kind, sequence });
  });

  test('accepts a log of an earlier version, whose appends have no links (LINK3)', () => {
    const entries = structuredClone(good);
    for (const entry of entries) if (entry.kind === 'append') change(entry, { link: undefined });
    expect(findingsIn(entries)).toEqual([]);
  });
});
