import { describe, expect, test } from 'vitest';
import { createArchive, type SegmentFiles } from '#src/archive/segments/archive.ts';
import { checkArchive } from '#src/archive/segments/check.ts';
import { leafOf, merkleRootOf } from '#src/archive/segments/merkle.ts';
import { encodeSegment, linkOf, nameOf, reencodeSegment } from '#src/archive/segments/segment.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import type { ArchiveStore, Segment } from '#src/core/ports/stores/archive.ts';

const LOG = '2026-01-01T00:00:00Z';
const lineOf = (sequence: number, text = 'a'): string => JSON.stringify([sequence, 1_000 + sequence, 'invoke.orders', null, text]);
const lines = [1, 2, 3, 4, 5].map((sequence) => lineOf(sequence));

function memoryStore(files: Map<string, Buffer>): ArchiveStore {
  return {
    name: 'memory',
    list: async (prefix) => [...files.keys()].filter((name) => name.startsWith(prefix)).sort(),
    get: async (name) => files.get(name),
    head: async (name, bytes) => files.get(name)?.subarray(0, bytes),
    async create(name, content) {
      files.set(name, content);
      return true;
    },
    async replace(name, content) {
      files.set(name, content);
    },
  };
}

const files = new Map<string, Buffer>();
const archive: SegmentFiles = createArchive(memoryStore(files), () => ({ kind: 'hint', sequence: 0, at: 0 }) as FullLogEntry);

async function problemsOf(...written: { segment: Segment; bytes: Buffer }[]): Promise<string[]> {
  files.clear();
  for (const { segment, bytes } of written) files.set(nameOf(segment), bytes);
  return (await checkArchive(archive, { log: LOG, head: undefined })).problems.map(({ problem }) => problem);
}

describe('the Merkle root of a segment', () => {
  test('differs for every changed, missing, added or exchanged line', () => {
    const root = merkleRootOf(lines);
    const changed = [lines.with(2, lineOf(3, 'b')), lines.slice(1), lines.slice(0, 4), [...lines, lineOf(6)], lines.toReversed()];
    for (const other of changed) expect(merkleRootOf(other)).not.toBe(root);
  });

  test('stays the same when a line is replaced by a mark with its leaf (J4)', () => {
    const mark = JSON.stringify([3, 1_003, 'e-1', leafOf(lines[2] ?? '')]);
    expect(merkleRootOf(lines.with(2, mark))).toBe(merkleRootOf(lines));
  });
});

describe('an erased line of a segment', () => {
  const mark = (...values: string[]): string => JSON.stringify([1, 1_001, ...values]);
  const written = () => encodeSegment(lines, 5, { log: LOG, after: 0, previous: '' });

  test('verifies when it keeps its hash and its erasure is in the description', async () => {
    const { segment } = await written();
    const erased = { lines: lines.with(0, mark('e-1', leafOf(lines[0] ?? ''))), erased: 1, erasure: 'e-1' };
    const next = await reencodeSegment(segment, erased);
    expect(linkOf(next.segment)).toBe(linkOf(segment));
    expect(await problemsOf(next)).toEqual([]);
  });

  test('is damage without its hash, and under an erasure that the description does not name', async () => {
    const { segment } = await written();
    const unhashed = await reencodeSegment(segment, { lines: lines.with(0, mark('e-1')), erased: 1, erasure: 'e-1' });
    expect(await problemsOf(unhashed)).toContain('holds other messages than were archived: its Merkle root does not match');
    const foreign = { lines: lines.with(0, mark('e-2', leafOf(lines[0] ?? ''))), erased: 1, erasure: 'e-1' };
    expect(await problemsOf(await reencodeSegment(segment, foreign))).toContain(
      'holds messages that e-2 erased, but its description names no such erasure',
    );
  });
});
