import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf } from '#src/core/errors.ts';
import { parseJson } from '#src/core/json/json.ts';
import { problemsOf } from '#src/core/text/problems.ts';
import type { SnapshotOf } from '#src/nats/streams/log/snapshots.ts';
import { CommandError, exitCodes, usageProblem } from '../problem.ts';

/*
 * The files of a backup: a folder for each stream, with its snapshot and a description. The nats command reads and writes the same files
 * (`nats account restore`). Sequent adds checks to the description.
 *
 * 1. The descriptions are written after all snapshots. Each names all streams, so a backup that was cut off is found.
 * 2. A description has the size and the SHA-256 of its snapshot.
 */

const SNAPSHOT = 'stream.tar.s2';
const DESCRIPTION = 'backup.json';

const checksSchema = z.object({
  /** The version of Sequent, and of the NATS server. */
  version: z.string(),
  server: z.string(),
  /** When the backup began. */
  at: z.string(),
  streams: z.array(z.string()),
  bytes: z.number(),
  sha256: z.string(),
});
type Checks = z.output<typeof checksSchema>;
const descriptionSchema = z.looseObject({
  config: z.looseObject({ name: z.string() }),
  state: z.looseObject({ messages: z.number(), last_seq: z.number() }),
  sequent: checksSchema,
});

/** A stream in a backup. */
export type SavedStream = { snapshot: SnapshotOf; checks: Checks };

/** Creates the folder of a backup. Refuses a folder that holds anything. */
export function createBackupFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (readdirSync(folder).length > 0) throw usageProblem('the backup is not written', `${folder} is not empty`, 'another folder');
}

/** Removes what an attempt that failed wrote to the folder of a backup. */
export function emptyBackupFolder(folder: string): void {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
}

/** Writes the file of a snapshot. `close` makes the file durable, and returns its size and hash. */
export function createSnapshotFile(
  folder: string,
  stream: string,
): { write: (chunk: Uint8Array) => void; close: () => Pick<Checks, 'bytes' | 'sha256'> } {
  mkdirSync(join(folder, stream), { recursive: true, mode: 0o700 });
  const file = openSync(join(folder, stream, SNAPSHOT), 'w', 0o600);
  const hash = createHash('sha256');
  let bytes = 0;
  return {
    write(chunk) {
      writeSync(file, chunk);
      hash.update(chunk);
      bytes += chunk.length;
    },
    close() {
      fsyncSync(file);
      closeSync(file);
      return { bytes, sha256: hash.digest('hex') };
    },
  };
}

export function writeDescription(folder: string, { snapshot, checks }: SavedStream): void {
  const text = `${JSON.stringify({ ...snapshot, sequent: checks }, null, 2)}\n`;
  writeFileSync(join(folder, snapshot.config.name, DESCRIPTION), text, { mode: 0o600, flush: true });
}

/** Reads the descriptions of a backup, and checks each snapshot. Throws `CommandError` when anything is missing or damaged. */
export async function readBackup(folder: string): Promise<SavedStream[]> {
  const found = streamsIn(folder).map((stream) => readDescription(folder, stream));
  const [first] = found;
  if (first === undefined) throw damaged(folder, 'no folder in it holds a backup.json');
  const missing = first.checks.streams.filter((stream) => !found.some(({ snapshot }) => snapshot.config.name === stream));
  if (missing.length > 0) throw damaged(folder, `it lacks ${missing.join(', ')}`);
  for (const { snapshot, checks } of found) {
    const { name } = snapshot.config;
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of readSnapshot(folder, name)) {
      hash.update(chunk);
      bytes += chunk.length;
    }
    if (bytes !== checks.bytes) throw damaged(folder, `the snapshot of ${name} has ${bytes} bytes instead of ${checks.bytes}`);
    if (hash.digest('hex') !== checks.sha256) throw damaged(folder, `the snapshot of ${name} was changed: its SHA-256 is another one`);
  }
  return found;
}

/** The parts of a snapshot, each of at most so many bytes. */
export async function* readSnapshot(folder: string, stream: string, chunkBytes = 1_048_576): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(join(folder, stream, SNAPSHOT), { highWaterMark: chunkBytes });
  } catch (cause) {
    throw damaged(folder, messageOf(cause), cause);
  }
}

function streamsIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => existsSync(join(folder, name, DESCRIPTION)));
  } catch (cause) {
    throw usageProblem('there is no backup', messageOf(cause), 'the folder of sequent backup');
  }
}

function readDescription(folder: string, stream: string): SavedStream {
  const file = join(folder, stream, DESCRIPTION);
  const read = descriptionSchema.safeParse(parseJson(readFileSync(file, 'utf8')));
  if (!read.success) throw damaged(folder, `${file} is none of sequent backup: ${problemsOf(read.error)}`);
  const { config, state, sequent } = read.data;
  return { snapshot: { config, state } as unknown as SnapshotOf, checks: sequent };
}

function damaged(folder: string, why: string, cause?: unknown): CommandError {
  const what = `the backup in ${folder} cannot be used`;
  return new CommandError({ code: 'BACKUP_DAMAGED', exitCode: exitCodes.failed, what, why, remedy: 'another backup' }, { cause });
}
