import { generateKeyPairSync } from 'node:crypto';
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { openHeadFiles } from '#src/archive/heads/head-files.ts';
import { startHeadSigner } from '#src/archive/heads/head-signer.ts';
import { openHeads } from '#src/archive/heads/heads.ts';
import { createSegmentSigner } from '#src/archive/heads/segment-signer.ts';
import { createSigner, type SignedHead } from '#src/archive/heads/signed-head.ts';
import { createArchive } from '#src/archive/segments/archive.ts';
import { encodeSegment, linkOf, nameOf } from '#src/archive/segments/segment.ts';
import { createFolderStore } from '#src/archive/stores/folder-store.ts';
import { verifyFolder } from '#src/cli/history/verify-folder.ts';
import { verifyLog } from '#src/cli/history/verify-log.ts';
import { type ErasureRecord, erasureKey } from '#src/core/log/erasure-request.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { type OpenedJanitor, openJanitorOn } from '#test/support/archive/opened-janitor.ts';
import { sharedTest as test } from '#test/support/fixtures.ts';
import type { TestServer } from '#test/support/nats/nats-server.ts';
import { openProjectionOn } from '#test/support/projection/opened-projection.ts';
import { writeLog } from '#test/support/projection/write-log.ts';

/*
 * A server of its own, because a test erases a part of the log. The log is archived in several segments. A head was signed after each
 * half of the log, and each test changes a copy of the archive.
 */

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const signer = createSigner(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 'the key');

let server: TestServer;
let opened: OpenedJanitor;
let root: string;
let archive: string;
let created: string;
let heads: SignedHead[];

test.beforeAll(async ({ server: own }) => {
  server = own;
  root = await mkdtemp(join(tmpdir(), 'sequent-heads-'));
  archive = join(root, 'archive');
  opened = await openJanitorOn(server.url, archive, { retention: { maxInvocations: 20 }, maxRemovable: 0 });
  // The first round has ended, so it archives no part of what follows.
  await opened.janitor.work();
  for (let half = 0; half < 2; half++) {
    await writeLog(opened.nats.connection, 150);
    await readAndSign();
    await opened.janitor.work();
    await writeLog(opened.nats.connection, 150);
    await opened.janitor.work();
  }
  created = (await opened.log.state()).created;
  heads = await openHeadFiles(opened.archive.store, created).list();
  expect(heads).toHaveLength(2);
}, 60_000);
test.afterAll(async () => {
  await opened?.[Symbol.asyncDispose]();
  await rm(root, { recursive: true });
});

/** Reads the log as a projection does, up to its present end, and signs the head. The next call continues from there. */
async function readAndSign(): Promise<void> {
  const heading = startHeadSigner({
    places: { store: createFolderStore(archive), state: opened.nats.ports.state },
    signer,
    clock: systemClock,
    logger: silentLogger,
    everyInMs: 3_600_000,
  });
  await using projection = await openProjectionOn(server.url, join(root, 'projection'), { archive, wrap: heading.tap });
  await projection.ready();
  await heading.stop();
}

/** A copy of the archive with other lines, in which every hash and link is computed again, as an operator can. */
async function rewriteAll(name: string, change: (lines: string[], index: number) => string[]): Promise<string> {
  const copy = join(root, name);
  await cp(archive, copy, { recursive: true });
  let previous = '';
  for (const [index, old] of (await opened.archive.segments(created)).entries()) {
    const lines = change(await opened.archive.lines(old), index);
    const { segment, bytes } = await encodeSegment(lines, old.last, { log: created, after: old.first - 1, previous });
    await writeFile(join(copy, nameOf(segment)), bytes);
    previous = linkOf(segment);
  }
  return copy;
}

async function verifyIn(folder: string, believed: readonly SignedHead[]) {
  const files = createArchive(createFolderStore(folder), opened.log.decode);
  // The operator rewrote the recorded end of the archive, too.
  const { findings } = await verifyLog({ archive: files, source: opened.log, log: created, head: undefined }, { heads: believed });
  return findings.map(({ kind, sequence, what }) => ({ kind, sequence, what }));
}

const alterLater = (lines: string[], index: number): string[] =>
  index === 0 ? lines : lines.map((line) => line.replace('please pack it well', 'please pack it ill!'));

describe('a signed head', () => {
  test('matches the log and the archive, also when the signer continued from the head before', async () => {
    expect(await verifyIn(archive, heads)).toEqual([]);
    expect(heads.map(({ key }) => key)).toEqual([signer.key, signer.key]);
  });

  test('finds a rewritten archive whose hashes all match, and names where the difference is', async () => {
    const copy = await rewriteAll('rewritten', alterLater);
    expect(await verifyIn(copy, [])).toEqual([]);
    const [first, second] = heads as [SignedHead, SignedHead];
    expect(await verifyIn(copy, [second])).toEqual([
      { kind: 'other-log', sequence: 1, what: expect.stringContaining(`holds other messages from 1 to ${second.sequence}`) },
    ]);
    expect(await verifyIn(copy, heads)).toEqual([
      {
        kind: 'other-log',
        sequence: first.sequence + 1,
        what: expect.stringContaining(`holds other messages from ${first.sequence + 1} to ${second.sequence}`),
      },
    ]);
  });

  test('is signed at the end of each segment, also by a signer that read no earlier segment (HEAD3)', async () => {
    const copy = join(root, 'segments');
    await cp(archive, copy, { recursive: true });
    const files = createArchive(createFolderStore(copy), opened.log.decode);
    const { state } = opened.nats.ports;
    const segments = await files.segments(created);
    for (const segment of segments) {
      // A signer of its own for each segment: none of them has read the lines before.
      const sign = createSegmentSigner({ archive: files, state, signer, clock: systemClock });
      await sign(segment, await files.lines(segment));
    }
    const signed = await openHeadFiles(files.store, created).list();
    expect(segments.length).toBeGreaterThan(2);
    expect(signed.map(({ sequence }) => sequence)).toEqual(expect.arrayContaining(segments.map(({ last }) => last)));
    expect(await verifyIn(copy, signed)).toEqual([]);
    const stored = await openHeads({ store: createFolderStore(join(root, 'nothing')), state }, created).list();
    expect(stored).toEqual([signed.at(-1)]);
  });

  test('is signed by a replaced key, over messages that its signer hashed itself', async () => {
    const copy = join(root, 'replaced-key');
    const store = createFolderStore(copy);
    await cp(archive, copy, { recursive: true, filter: (path) => !path.includes('/heads-') });
    const pair = generateKeyPairSync('ed25519');
    const next = createSigner(pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 'the next key');
    const places = { store, state: createMemoryKeyValue() };
    const heading = startHeadSigner({ places, signer, clock: systemClock, logger: silentLogger, everyInMs: 3_600_000 });
    await using projection = await openProjectionOn(server.url, join(root, 'other-projection'), { archive: copy, wrap: heading.tap });
    await projection.ready();
    await heading.replace(next);
    await heading.stop();
    const [head, ...others] = await openHeadFiles(store, created).list();
    expect([head?.key, others]).toEqual([next.key, []]);
    expect(head?.sequence).toBe((await opened.log.state()).last);
    expect(await verifyIn(copy, head === undefined ? [] : [head])).toEqual([]);
  });

  test('finds a log that ends before it, and a log that was created again', async () => {
    const [, second] = heads as [SignedHead, SignedHead];
    const { last } = await opened.log.state();
    const later = { ...second, sequence: last + 5 };
    expect(await verifyIn(archive, [later])).toMatchObject([
      { what: expect.stringContaining(`it has none from ${last + 1} to ${last + 5}`) },
    ]);
    const other = { ...second, log: '2020-01-01T00:00:00Z' };
    expect(await verifyIn(archive, [other])).toMatchObject([{ what: expect.stringContaining('is of the log that was created at 2020') }]);
  });
});

describe('an archive that is verified offline', () => {
  const verify = async (folder: string, anchors: readonly SignedHead[] = []) => {
    const [only] = await verifyFolder(folder, { publicKey, anchors });
    return only;
  };

  test('is proved up to its last head within the segments', async () => {
    const found = await verify(archive);
    expect(found).toMatchObject({ log: created, heads: 2, proved: heads[1]?.sequence, problems: [] });
  });

  test('shows a changed line, a missing segment, and hashes that were computed again', async () => {
    const rewritten = await rewriteAll('rewritten-offline', alterLater);
    expect((await verify(rewritten))?.problems).toMatchObject([expect.stringContaining('holds other messages')]);

    const lacking = join(root, 'lacking');
    await cp(archive, lacking, { recursive: true });
    const names = (await readdir(lacking, { recursive: true })).filter((name) => name.endsWith('.seg')).sort();
    await rm(join(lacking, names[1] ?? ''));
    expect((await verify(lacking))?.problems).toContainEqual(expect.stringContaining('but the segment before it ends at'));
    // The last segments are missing: the chain is whole, and only a head that was kept elsewhere shows it.
    const shorter = join(root, 'shorter');
    await cp(archive, shorter, { recursive: true });
    for (const name of names.slice(2)) await rm(join(shorter, name));
    expect((await verify(shorter))?.proved).toBe(heads[0]?.sequence);
    expect((await verify(shorter, heads))?.problems).toMatchObject([expect.stringContaining('the log lacks messages')]);
  });

  test('lacks segments when a head at the end of a segment beside it is beyond its end (HEAD3)', async () => {
    const copy = join(root, 'cut');
    await cp(archive, copy, { recursive: true });
    const files = createArchive(createFolderStore(copy), opened.log.decode);
    const segments = await files.segments(created);
    const places = { archive: files, state: createMemoryKeyValue(), signer, clock: systemClock };
    const sign = createSegmentSigner(places);
    for (const segment of segments) await sign(segment, await files.lines(segment));
    const last = segments.at(-1);
    expect(await verify(copy)).toMatchObject({ problems: [], proved: last?.last });
    const name = (await readdir(copy, { recursive: true }))
      .filter((each) => each.endsWith('.seg'))
      .sort()
      .at(-1);
    await rm(join(copy, name ?? ''));
    const problem = `but the segments end at message ${(last?.first ?? 0) - 1}: the last segments are missing`;
    expect((await verify(copy))?.problems).toEqual([expect.stringContaining(problem)]);
  });

  test('believes no head of another key', async () => {
    const copy = join(root, 'foreign');
    await cp(archive, copy, { recursive: true });
    const other = createSigner(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 'the key');
    const folder = (await readdir(copy)).find((name) => name.startsWith('heads-')) ?? '';
    for (const name of await readdir(join(copy, folder))) await rm(join(copy, folder, name));
    const forged = { ...(heads[1] as SignedHead), key: other.key, signature: await other.sign('anything') };
    await openHeadFiles(createFolderStore(copy), created).add(forged);
    expect((await verify(copy))?.problems).toMatchObject([
      expect.stringContaining('not signed by this key'),
      expect.stringContaining('nothing is proved'),
    ]);
  });

  test('is not damaged by an erasure, and the heads before it still match', async () => {
    const { state } = opened.nats.ports;
    const functions = [
      ...new Set(
        (await opened.archive.lines((await opened.archive.segments(created))[0] as never)).flatMap(
          (line) => /"invoke\.([\w-]+)"/.exec(line)?.[1] ?? [],
        ),
      ),
    ];
    const record: ErasureRecord = {
      state: 'asked',
      request: { function: functions[0] ?? '', before: Date.now() + 1_000, by: 'a test', at: Date.now(), isTrial: false },
    };
    await state.put(erasureKey('a1'), JSON.stringify(record));
    await opened.janitor.work();
    const found = await verify(archive, heads);
    expect(found).toMatchObject({ problems: [], proved: heads[1]?.sequence });
    expect(found?.erased).toBeGreaterThan(100);
    expect(await verifyIn(archive, heads)).toEqual([]);
    // A head after the erasure commits to the same hashes.
    await readAndSign();
    expect(await verifyIn(archive, await openHeadFiles(opened.archive.store, created).list())).toEqual([]);
  });
});
