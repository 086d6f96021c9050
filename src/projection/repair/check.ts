import { rmSync } from 'node:fs';
import type { HistoryCheck } from '#src/core/history-questions.ts';
import type { LogSource } from '#src/core/log/log-source.ts';
import { Replay, type ReplayOptions } from '#src/projection/fold/replay.ts';
import type { OpenDatabase } from '#src/projection/store/sqlite.ts';
import { openStore } from '#src/projection/store/store.ts';
import { hashRows } from './rows-hash.ts';

export type CheckOptions = {
  source: LogSource;
  open: OpenDatabase;
  /** The file of the live read model. */
  file: string;
  /** The sequence up to which that file holds the log. */
  until: number;
  created: string;
  /** A file for the second read model. The check removes it afterwards. */
  scratch: string;
  /** Ends the check, which rejects with the reason of this signal. */
  signal: AbortSignal;
};

/**
 * Builds a second read model from zero up to the same sequence, and compares all rows of both (P1).
 *
 * Rejects when the log became shorter meanwhile, because the log may never reach that sequence again.
 */
export async function checkAgainstLog(options: CheckOptions): Promise<Omit<HistoryCheck, 'instance'>> {
  const { source, open, file, until, created, scratch, signal } = options;
  // A read transaction sees the tables as they are now, whatever is written later.
  const snapshot = open(file);
  snapshot.exec('BEGIN');
  snapshot.prepare('SELECT sequence FROM checkpoint').get();
  removeFile(scratch);
  const second = openStore({ open, file: scratch, decode: source.decode });
  try {
    if (second === undefined) throw new Error(`${scratch} cannot be opened`);
    await replayUntil({ source, store: second, created, until }, signal);
    const [live, rebuilt] = [await hashRows(snapshot), await hashRows(second.database)];
    const tables = live.map(({ table, rows, hash }, index) => {
      const other = rebuilt[index]?.hash ?? '';
      return { table, rows, live: hash, rebuilt: other, isEqual: hash === other };
    });
    return { sequence: until, isEqual: tables.every(({ isEqual }) => isEqual), tables };
  } finally {
    // Statements keep an open transaction until they are collected, and the journal would grow for as long.
    snapshot.exec('ROLLBACK');
    snapshot.close();
    second?.close();
    removeFile(scratch);
  }
}

async function replayUntil(options: ReplayOptions, signal: AbortSignal): Promise<void> {
  const ending = new AbortController();
  const replay = new Replay({ ...options, onContradiction: (why) => ending.abort(new Error(why)) });
  const ended = AbortSignal.any([signal, ending.signal]);
  const stop = (): void => void replay.stop();
  ended.addEventListener('abort', stop, { once: true });
  if (ended.aborted) stop();
  try {
    await replay.done;
    ended.throwIfAborted();
  } finally {
    ended.removeEventListener('abort', stop);
  }
}

function removeFile(path: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
}
