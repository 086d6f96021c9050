import { describe, expect, test } from 'vitest';
import { digestOf } from '#src/archive/heads/digest.ts';
import { LogHash } from '#src/archive/heads/log-hash.ts';
import { leafOf } from '#src/archive/segments/merkle.ts';
import { lineOf, markLineOf, undecodedEntryOf } from '#src/archive/segments/segment.ts';
import type { SourceEntry } from '#src/core/log/log-source.ts';

const log = '2026-01-01T00:00:00Z';
const content = (kind: string, more = {}): SourceEntry['content'] => ({ kind, ...more }) as SourceEntry['content'];
const request = { subject: 'invoke.hello', headers: '{"Request-Id":"r-1"}', body: '{"a":1}', content: content('request') };
const append = { subject: 'invocation.hello.r-1', headers: null, body: '{"v":2}', content: content('append', { wakeTimes: { dueAt: 7 } }) };
const hint = { subject: 'wake.hello', headers: null, body: '', content: content('hint') };
const entries: readonly SourceEntry[] = [
  { sequence: 1, at: 1_000, ...request },
  { sequence: 2, at: 1_001, ...hint },
  { sequence: 4, at: 1_002, ...append },
  { sequence: 300, at: 1_003, ...append, body: new Uint8Array([255, 1]), content: content('unreadable') },
];

const taken = (all: readonly SourceEntry[], hash = new LogHash(log)): LogHash => {
  for (const entry of all) hash.take(entry);
  return hash;
};
const lineIn = (entry: SourceEntry): string => JSON.stringify(lineOf(entry));
/** What the archive holds of a message, before and after an erasure. */
const archived = (entry: SourceEntry): SourceEntry => undecodedEntryOf(lineIn(entry));
const erased = (entry: SourceEntry): SourceEntry =>
  undecodedEntryOf(JSON.stringify(markLineOf(entry, 'e-1', { leaf: leafOf(lineIn(entry)), digest: digestOf(entry) })));

describe('the hash of a signed head', () => {
  test('differs when a message is missing, or differs in position, time, subject, headers or payload (HEAD1)', () => {
    const hashes = entries.flatMap((entry, index) => {
      const isHint = entry.content.kind === 'hint';
      const changes = [
        { sequence: entry.sequence + 1 },
        { at: 5 },
        ...(isHint ? [] : [{ subject: 'invoke.b' }, { headers: '{}' }, { body: 'x' }]),
      ];
      return [entries.toSpliced(index, 1), ...changes.map((change) => entries.with(index, { ...entry, ...change }))];
    });
    const all = [entries, ...hashes, entries.toReversed()].map((each) => taken(each).hash);
    expect(new Set(all).size).toBe(all.length);
  });

  test('is the same from the log, from the archive, after an erasure, and from a whole block on (HEAD2)', () => {
    const { hash } = taken(entries);
    expect(taken(entries.map(archived)).hash).toBe(hash);
    expect(taken(entries.map((entry) => (entry.content.kind === 'hint' ? entry : erased(entry)))).hash).toBe(hash);
    const { block } = taken(entries);
    expect(block.sequence).toBe(4);
    expect(taken(entries.slice(3), new LogHash(log, block)).hash).toBe(hash);
  });
});
