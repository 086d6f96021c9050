import { cp, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FindingKind } from '#src/analysis/findings.ts';
import { createArchive } from '#src/archive/archive.ts';
import { createFolderStore } from '#src/archive/folder-store.ts';
import { reencodeSegment } from '#src/archive/segment.ts';
import { verifyLog } from '#src/cli/verify-log.ts';
import type { Segment } from '#src/core/ports/archive.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import { type OpenedJanitor, openJanitorOn } from '#test/support/archive/opened-janitor.ts';
import { startTestServer, type TestServer } from '#test/support/nats/nats-server.ts';
import { writeLog } from '#test/support/projection/write-log.ts';

/*
 * A server of its own: messages are deleted from its log. One log, archived in four segments; each damage is planted in a copy of
 * the archive. What can be wrong with the messages themselves is planted in `test/unit/analysis/verify.test.ts`.
 */

const COUNT = 1_000;
let server: TestServer;
let opened: OpenedJanitor;
let root: string;
/** The names of the segments, within the folder of the log. */
let names: string[];
let segments: readonly Segment[];

beforeAll(async () => {
  server = await startTestServer();
  root = await mkdtemp(join(tmpdir(), 'sequent-damage-'));
  opened = await openJanitorOn(server.url, join(root, 'archive'), { retention: { maxInvocations: 20 }, mostLoose: 0 });
  for (let round = 0; round < 4; round++) {
    await writeLog(opened.nats.connection, COUNT / 4);
    await opened.janitor.work();
  }
  await opened.janitor.stop();
  segments = await opened.archive.segments((await opened.log.state()).created);
  names = (await readdir(await folderOf(join(root, 'archive')))).sort();
  expect(names.length).toBe(4);
}, 30_000);
afterAll(async () => {
  await opened?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
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

/** Writes a segment again as somebody would who knows its form: with other lines, and a checksum that fits. */
async function rewrite(folder: string, place: number, change: (lines: string[]) => string[], erasure?: string): Promise<void> {
  const segment = segments[place] as Segment;
  const lines = change(await opened.archive.lines(segment));
  const { segment: next, bytes } = await reencodeSegment(segment, lines, erasure === undefined ? 0 : lines.length, erasure ?? '');
  const forged = erasure === undefined ? { ...next, erasures: [] } : next;
  const content = bytes.subarray(bytes.indexOf(0x0a) + 1);
  await writeFile(join(folder, names[place] ?? ''), Buffer.concat([Buffer.from(`${JSON.stringify(forged)}\n`), content]));
}

const at = (place: number): string => names[place] ?? '';
const firstOf = (place: number): number => segments[place]?.first ?? 0;

const damages: Damage[] = [
  {
    what: 'a bit that flipped in a segment',
    async plant(folder) {
      await changeBytes(join(folder, at(1)), (bytes) => {
        bytes[bytes.length - 50] = (bytes[bytes.length - 50] ?? 0) ^ 4;
        return bytes;
      });
      return { kind: 'damaged-segment', sequence: firstOf(1), what: /is damaged: its SHA-256 is another/ };
    },
  },
  {
    what: 'a segment that was cut off',
    async plant(folder) {
      await changeBytes(join(folder, at(1)), (bytes) => bytes.subarray(0, bytes.length / 2));
      return { kind: 'damaged-segment', sequence: firstOf(1), what: /is damaged/ };
    },
  },
  {
    what: 'a segment whose description is gone',
    async plant(folder) {
      await changeBytes(join(folder, at(1)), (bytes) => bytes.subarray(bytes.indexOf(0x0a) + 1));
      return { kind: 'damaged-segment', sequence: firstOf(1), what: /does not begin with its description/ };
    },
  },
  {
    what: 'a segment that is missing in the middle',
    async plant(folder) {
      await rm(join(folder, at(1)));
      return { kind: 'damaged-segment', sequence: firstOf(2), what: new RegExp(`begins at ${firstOf(2)}, and the one before it ends at`) };
    },
  },
  {
    what: 'the last segment missing',
    async plant(folder) {
      await rm(join(folder, at(3)));
      return { kind: 'damaged-segment', sequence: firstOf(3), what: /was archived up to \d+ in .*, and .* ends at/ };
    },
  },
  {
    what: 'an archive that is somewhere else',
    async plant(folder) {
      await rename(folder, `${folder}-hidden`);
      return { kind: 'damaged-segment', sequence: 1, what: /was archived up to \d+ in .*, and .* ends at 0/ };
    },
  },
  {
    what: 'a segment under the name of another',
    async plant(folder) {
      await cp(join(folder, at(0)), join(folder, at(1)));
      return { kind: 'damaged-segment', sequence: firstOf(1), what: /begins at 1, and the one before it ends at/ };
    },
  },
  {
    what: 'a segment that was written anew with a checksum that fits',
    async plant(folder) {
      await rewrite(folder, 1, (lines) => lines.map((line) => line.replace('please pack it well', 'please pack it ill!')));
      return { kind: 'damaged-segment', sequence: firstOf(1), what: /was changed, and names no erasure/ };
    },
  },
  {
    what: 'a message that was taken out of a segment',
    async plant(folder) {
      await rewrite(folder, 1, (lines) => lines.filter((_, place) => place !== 10));
      return { kind: 'damaged-segment', sequence: firstOf(1), what: /holds \d+ messages, not \d+/ };
    },
  },
  {
    what: 'messages that were erased though nobody asked for it',
    async plant(folder) {
      await rewrite(folder, 1, (lines) => lines.map((line) => `${line.split(',').slice(0, 2).join(',')},"e-nobody"]`), 'e-nobody');
      return { kind: 'unexplained-erasure', sequence: firstOf(1), what: /were erased by e-nobody, of which the log knows nothing/ };
    },
  },
];

describe('verify', () => {
  test('finds nothing in what is whole', async () => {
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

  test('tells all that a damaged segment held as a gap, and goes on behind it', async () => {
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

  // The last one: it changes the log.
  test('finds a message that was deleted from the log', async () => {
    const last = segments.at(-1)?.last ?? 0;
    const manager = await opened.nats.connection.nats.jetstreamManager();
    await writeLog(opened.nats.connection, 10);
    await manager.streams.deleteMessage(INVOCATIONS, last + 5);
    const { findings } = await verifyIn(join(root, 'archive'));
    expect(findings).toContainEqual(expect.objectContaining({ kind: 'gap', rule: 'A1', sequence: last + 5 }));
  });
});
