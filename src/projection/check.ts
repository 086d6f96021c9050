import { rmSync } from 'node:fs';
import type { HistoryCheck } from '#src/core/history-questions.ts';
import type { LogSource } from '#src/core/log/log-source.ts';
import { startReplay } from './replay.ts';
import { hashRows } from './rows-hash.ts';
import type { OpenDatabase } from './sqlite.ts';
import { openStore } from './store.ts';

export type CheckOptions = {
  source: LogSource;
  open: OpenDatabase;
  /** The file that is served, and up to where it holds the log. */
  file: string;
  until: number;
  created: string;
  /** A file for the second read model; removed afterwards. */
  scratch: string;
};

/** Builds a second read model from zero up to the same sequence, and compares all rows with those of the first (P1). */
export async function checkAgainstLog(options: CheckOptions): Promise<Omit<HistoryCheck, 'instance'>> {
  const { source, open, file, until, created, scratch } = options;
  // A read transaction: it sees the tables as they are now, whatever is written meanwhile.
  const snapshot = open(file);
  snapshot.exec('BEGIN');
  snapshot.prepare('SELECT sequence FROM checkpoint').get();
  removeFile(scratch);
  const second = openStore({ open, file: scratch, decode: source.decode });
  try {
    if (second === undefined) throw new Error(`${scratch} cannot be opened`);
    await startReplay({ source, store: second, created, until }).done;
    const [found, rebuilt] = [await hashRows(snapshot), await hashRows(second.database)];
    const tables = found.map(({ table, rows, hash }, index) => {
      const other = rebuilt[index]?.hash ?? '';
      return { table, rows, live: hash, rebuilt: other, isEqual: hash === other };
    });
    return { sequence: until, isEqual: tables.every(({ isEqual }) => isEqual), tables };
  } finally {
    // Its statements outlive it until they are collected, and with them a transaction that was left open: the journal would only grow.
    snapshot.exec('ROLLBACK');
    snapshot.close();
    second?.close();
    removeFile(scratch);
  }
}

function removeFile(path: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
}
