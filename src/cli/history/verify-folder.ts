import type { KeyObject } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { createErasureMarks } from '#src/analysis/verify/erasure-marks.ts';
import { createHeadCheck } from '#src/archive/heads/head-check.ts';
import { openHeadFiles } from '#src/archive/heads/head-files.ts';
import { isSignedBy, type SignedHead } from '#src/archive/heads/signed-head.ts';
import { createArchive, type SegmentFiles } from '#src/archive/segments/archive.ts';
import { checkArchive } from '#src/archive/segments/check.ts';
import { createFolderStore } from '#src/archive/stores/folder-store.ts';
import { InvalidInputError } from '#src/core/errors.ts';
import type { Segment } from '#src/core/ports/stores/archive.ts';
import { decodeStored } from '#src/nats/streams/log/log-source.ts';

/** The result for one log of the folder. `proved` is the last sequence up to which a signed head matches. */
export type FolderVerification = {
  log: string;
  segments: number;
  messages: number;
  erased: number;
  heads: number;
  last: number;
  proved: number;
  problems: string[];
};

/**
 * Verifies a copy of an archive without a server: its segments, its erasures and its signed heads. The caller trusts the public key, and
 * neither the operator nor the disk. `anchors` are heads that the caller kept elsewhere.
 *
 * Throws `InvalidInputError` when the folder holds no archive.
 */
export async function verifyFolder(
  folder: string,
  { publicKey, anchors = [] }: { publicKey: KeyObject; anchors?: readonly SignedHead[] },
): Promise<FolderVerification[]> {
  const archive = createArchive(createFolderStore(folder), decodeStored);
  const entries = await readdir(folder, { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
    throw new InvalidInputError({ field: folder, problem: `cannot be read (${cause.code})` }, { cause });
  });
  const logs = [...new Set(entries.flatMap((path) => /^([^/]+)\/\d{16}\.seg$/.exec(path)?.[1] ?? []))].sort();
  if (logs.length === 0)
    throw new InvalidInputError({ field: folder, problem: 'holds no archive: name the folder with the folders of logs' });
  const results: FolderVerification[] = [];
  for (const log of logs) results.push(await verifyLogFolder(archive, { log, publicKey, anchors }));
  const foreign = anchors.find((head) => results.every(({ log }) => log !== head.log));
  if (foreign === undefined) return results;
  throw new InvalidInputError({
    field: folder,
    problem: `holds no log that was created at ${foreign.log}, which a head of --anchor names`,
  });
}

type LogFolder = { log: string; publicKey: KeyObject; anchors: readonly SignedHead[] };

async function verifyLogFolder(archive: SegmentFiles, { log, publicKey, anchors }: LogFolder): Promise<FolderVerification> {
  const { segments, problems, readable } = await checkArchive(archive, { log, head: undefined });
  const created = segments[0]?.log ?? log;
  const last = segments.at(-1)?.last ?? 0;
  const files = openHeadFiles(archive.store, created);
  const stored = await files.list();
  const heads = stored.filter((head) => isSignedBy(head, publicKey));
  // Other later heads of the folder commit to messages that are not archived yet. An anchor must be within the copy.
  const beyond = (await files.listOfSegments()).filter((head) => head.sequence > last && isSignedBy(head, publicKey)).at(-1);
  const believed = [...heads.filter(({ sequence }) => sequence <= last), ...anchors.filter((head) => head.log === created)];
  const { proved, differences, marks } = await readLines(archive, { readable, created, believed });
  const found = [
    ...problems.map(({ segment, problem }) => `${segment} ${problem}`),
    ...[...differences, ...marks.problems()].map(({ what }) => what),
  ];
  if (beyond !== undefined) found.push(describeBeyond(beyond, last));
  if (heads.length < stored.length) found.push(`${stored.length - heads.length} heads are not signed by this key`);
  if (believed.length === 0) found.push('no signed head of this key is within the segments: nothing is proved');
  const messages = segments.reduce((sum, one) => sum + one.messages, 0);
  return { log: created, segments: segments.length, messages, erased: marks.messages, heads: heads.length, last, proved, problems: found };
}

function describeBeyond({ sequence, signedAt }: SignedHead, last: number): string {
  const signed = `a segment up to message ${sequence} was archived and signed at ${new Date(signedAt).toISOString()}`;
  return `${signed}, but the segments end at message ${last}: the last segments are missing`;
}

type Lines = { readable: readonly Segment[]; created: string; believed: readonly SignedHead[] };

async function readLines(archive: SegmentFiles, { readable, created, believed }: Lines) {
  const check = createHeadCheck(created, believed);
  const marks = createErasureMarks();
  for (const segment of readable) {
    for await (const entry of archive.read(segment)) {
      check.take(entry);
      marks.read(entry.content);
    }
  }
  const { proved, problems } = check.finish();
  return { proved, differences: problems, marks };
}
