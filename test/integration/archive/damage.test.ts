import { cp, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { FindingKind } from '#src/analysis/verify/findings.ts';
import { createArchive } from '#src/archive/segments/archive.ts';
import { leafOf, merkleRootOf, parseMark } from '#src/archive/segments/merkle.ts';
import { parseHead, reencodeSegment } from '#src/archive/segments/segment.ts';
import { createFolderStore } from '#src/archive/stores/folder-store.ts';
import { verifyLog } from '#src/cli/history/verify-log.ts';
import type { Segment } from '#src/core/ports/stores/archive.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import { type OpenedJanitor, openJanitorOn } from '#test/support/archive/opened-janitor.ts';
import { sharedTest as test } from '#test/support/fixtures.ts';
import type { TestServer } from '#test/support/nats/nats-server.ts';
import { writeLog } from '#test/support/projection/write-log.ts';

/*
 * A server of its own, because a test deletes messages from the log. The log is archived in four segments, and each test damages a
 * copy of the archive. `test/unit/analysis/verify.test.ts` damages the messages themselves.
 */

const COUNT = 1_000;
let server: TestServer;
let opened: OpenedJanitor;
let root: string;
/** The names of the segments, within the folder of the log. */
let names: string[];
let segments: readonly Segment[];

test.beforeAll(async ({ server: own }) => {
  server = own;
  root = await mkdtemp(join(tmpdir(), 'sequent-damage-'));
  opened = await openJanitorOn(server.url, join(root, 'archive'), { retention: { maxInvocations: 20 }, maxRemovable: 0 });
  // The first round has ended, so it archives no part of what follows.
  await opened.janitor.work();
  for (let round = 0; round < 4; round++) {
    await writeLog(opened.nats.connection, COUNT / 4);
    await opened.janitor.work();
  }
  await opened.janitor.stop();
  segments = await opened.archive.segments((await opened.log.state()).created);
  names = (await readdir(await folderOf(join(root, 'archive')))).sort();
  expect(names.length).toBe(4);
});
test.afterAll(async () => {
  await opened?.[Symbol.asyncDispose]();
  await rm(root, { recursive: true });
});

async function folderOf(archive: string): Promise<string> {
  const [log = ''] = await readdir(archive);
  return join(archive, log);
}

async function verifyIn(archive: string) {
  const { log } = opened;
  const { created } = await log.state();
  const files = createArchive(createFolderStore(archive), log.decode);
  return await verifyLog({ archive: files, source: log, log: created, head: await opened.head() });
}

type Planted = { kind: FindingKind; sequence: number; what: RegExp };
type Damage = { what: string; plant: (folder: string) => Promise<Planted> };

async function changeBytes(path: string, change: (bytes: Buffer) => Buffer): Promise<void> {
  await writeFile(path, change(await readFile(path)));
}

type Forgery = { index: number; erasure?: string; isSealed?: boolean; change: (lines: string[]) => string[] };

const isMark = (line: string): boolean => parseMark(line) !== undefined;

/** Forges a segment, as an attacker does who knows the format: with other lines, and a checksum that matches them. */
async function rewrite(folder: string, { index, erasure, isSealed = false, change }: Forgery): Promise<void> {
  const segment = segments[index] as Segment;
  const lines = change(await opened.archive.lines(segment));
  const erased = lines.filter(isMark).length;
  const { segment: next, bytes } = await reencodeSegment(segment, { lines, erased, erasure: erasure ?? '' });
  const forged = { ...next, ...(erasure === undefined ? { erasures: [] } : {}), ...(isSealed ? { root: merkleRootOf(lines) } : {}) };
  const content = bytes.subarray(bytes.indexOf(0x0a) + 1);
  await writeFile(join(folder, names[index] ?? ''), Buffer.concat([Buffer.from(`${JSON.stringify(forged)}\n`), content]));
}

const forgeLines = (lines: string[]): string[] => lines.map((line) => line.replace('please pack it well', 'please pack it ill!'));

/** The mark that an erasure puts in the place of a line. */
function markOf(line: string, erasure: string, leaf: string): string {
  const { sequence, at: time } = parseHead(line);
  return JSON.stringify([sequence, time, erasure, leaf]);
}

const at = (index: number): string => names[index] ?? '';
const firstOf = (index: number): number => segments[index]?.first ?? 0;

const damages: Damage[] = [
  {
    what: 'a flipped bit in a segment',
    async plant(folder) {
      await changeBytes(join(folder, at(1)), (bytes) => {
        bytes[bytes.length - 50] = (bytes[bytes.length - 50] ?? 0) ^ 4;
        return bytes;
      });
      return { kind: 'damaged-segment', sequence: firstOf(1), what: /is damaged: its SHA-256 does not match/ };
    },
  },
  {
    what: 'a truncated segment',
    async plant(folder) {
      await changeBytes(join(folder, at(1)), (bytes) => bytes.subarray(0, bytes.length / 2));
      return { kind: 'damaged-segment', sequence: firstOf(1), what: /is damaged/ };
    },
  },
  {
    what: 'a segment without its description',
    async plant(folder) {
      await changeBytes(join(folder, at(1)), (bytes) => bytes.subarray(bytes.indexOf(0x0a) + 1));
      return { kind: 'damaged-segment', sequence: firstOf(1), what: /does not begin with its description/ };
    },
  },
  {
    what: 'a missing segment in the middle',
    async plant(folder) {
      await rm(join(folder, at(1)));
      return {
        kind: 'damaged-segment',
        sequence: firstOf(2),
        what: new RegExp(`begins at ${firstOf(2)}, but the segment before it ends at`),
      };
    },
  },
  {
    what: 'a missing last segment',
    async plant(folder) {
      await rm(join(folder, at(3)));
      return { kind: 'damaged-segment', sequence: firstOf(3), what: /was archived up to \d+ in .*, but .* ends at/ };
    },
  },
  {
    what: 'an archive in another folder',
    async plant(folder) {
      await rename(folder, `${folder}-hidden`);
      return { kind: 'damaged-segment', sequence: 1, what: /was archived up to \d+ in .*, but .* ends at 0/ };
    },
  },
  {
    what: 'a segment under the name of another',
    async plant(folder) {
      await cp(join(folder, at(0)), join(folder, at(1)));
      return { kind: 'damaged-segment', sequence: firstOf(1), what: /begins at 1, but the segment before it ends at/ };
    },
  },
  {
    what: 'a forged segment with a matching checksum',
    async plant(folder) {
      await rewrite(folder, {
        index: 1,
        change: forgeLines,
      });
      return { kind: 'damaged-segment', sequence: firstOf(1), what: /holds other messages than were archived/ };
    },
  },
  {
    what: 'a forged segment that excuses its change by an erasure',
    async plant(folder) {
      await rewrite(folder, {
        index: 1,
        erasure: 'e-known',
        change: forgeLines,
      });
      return { kind: 'damaged-segment', sequence: firstOf(1), what: /holds other messages than were archived/ };
    },
  },
  {
    what: 'a forged segment with a matching root, by the segment after it',
    async plant(folder) {
      await rewrite(folder, {
        index: 1,
        isSealed: true,
        change: forgeLines,
      });
      return { kind: 'damaged-segment', sequence: firstOf(2), what: /does not link to the segment before it/ };
    },
  },
  {
    what: 'a forged last segment with a matching root, by the recorded end of the archive',
    async plant(folder) {
      await rewrite(folder, {
        index: 3,
        isSealed: true,
        change: forgeLines,
      });
      const sequence = (segments[3]?.last ?? 0) + 1;
      return { kind: 'damaged-segment', sequence, what: /follows another segment than the last one that was archived/ };
    },
  },
  {
    what: 'an erased message under the hash of another',
    async plant(folder) {
      await rewrite(folder, {
        index: 1,
        erasure: 'e-known',
        change: (lines) => lines.map((line, index) => (index === 10 ? markOf(line, 'e-known', leafOf(`${line} `)) : line)),
      });
      return { kind: 'damaged-segment', sequence: firstOf(1), what: /holds other messages than were archived/ };
    },
  },
  {
    what: 'an erasure in the description of a segment that holds no erased message',
    async plant(folder) {
      await rewrite(folder, { index: 1, erasure: 'e-known', change: (lines) => lines });
      return { kind: 'damaged-segment', sequence: firstOf(1), what: /names the erasures e-known, but holds no message that they erased/ };
    },
  },
  {
    what: 'a message removed from a segment',
    async plant(folder) {
      await rewrite(folder, { index: 1, change: (lines) => lines.filter((_, index) => index !== 10) });
      return { kind: 'damaged-segment', sequence: firstOf(1), what: /holds \d+ messages, not \d+/ };
    },
  },
  {
    what: 'erased messages without an erasure in the log',
    async plant(folder) {
      await rewrite(folder, {
        index: 1,
        erasure: 'e-unknown',
        change: (lines) => lines.map((line) => markOf(line, 'e-unknown', leafOf(line))),
      });
      return { kind: 'unexplained-erasure', sequence: firstOf(1), what: /were erased by e-unknown, but the log holds no such erasure/ };
    },
  },
];

describe('verify', () => {
  test('finds nothing in an undamaged archive', async () => {
    const { findings, balance } = await verifyIn(join(root, 'archive'));
    expect(findings).toEqual([]);
    expect(balance).toMatchObject({ accepted: COUNT, settled: COUNT });
  });

  test.for(damages)('finds $what', async ({ plant }) => {
    const copy = join(root, 'copy');
    await cp(join(root, 'archive'), copy, { recursive: true });
    const { kind, sequence, what } = await plant(await folderOf(copy));
    const { findings } = await verifyIn(copy);
    expect(findings).toContainEqual(expect.objectContaining({ kind, sequence, what: expect.stringMatching(what) }));
    await rm(copy, { recursive: true });
  });

  test('reports the messages of a missing segment as a gap, and continues after them', async () => {
    const copy = join(root, 'copy');
    await cp(join(root, 'archive'), copy, { recursive: true });
    await rm(join(await folderOf(copy), at(0)));
    const { findings, messages } = await verifyIn(copy);
    expect(findings).toContainEqual(
      expect.objectContaining({ kind: 'gap', sequence: 1, what: `no message from 1 to ${segments[0]?.last}` }),
    );
    expect(messages).toBe(3 * COUNT - (segments[0]?.messages ?? 0));
    await rm(copy, { recursive: true });
  });

  // The last test, because it changes the log.
  test('finds a message that was deleted from the log', async () => {
    const last = segments.at(-1)?.last ?? 0;
    const manager = await opened.nats.connection.nats.jetstreamManager();
    await writeLog(opened.nats.connection, 10);
    await manager.streams.deleteMessage(INVOCATIONS, last + 5);
    const { findings } = await verifyIn(join(root, 'archive'));
    expect(findings).toContainEqual(expect.objectContaining({ kind: 'gap', rule: 'A1', sequence: last + 5 }));
  });
});
