import type { Database, Value } from './sqlite.ts';

/** The position up to which the read model holds the log, and the identity of that log. */
export type Checkpoint = {
  sequence: number;
  /** Of the message at the sequence. */
  fingerprint: string;
  /** When the log was created. */
  created: string;
  /** How many sequences up to this one held no message. */
  missing: number;
  at: number;
};

export function readCheckpoint(database: Database): Checkpoint | undefined {
  const row = database.prepare('SELECT sequence, fingerprint, created, missing, at FROM checkpoint').get();
  return row === undefined ? undefined : toCheckpoint(row);
}

function toCheckpoint([sequence, fingerprint, created, missing, at]: readonly Value[]): Checkpoint {
  return {
    sequence: Number(sequence),
    fingerprint: String(fingerprint),
    created: String(created),
    missing: Number(missing),
    at: Number(at),
  };
}

/** Returns a function that replaces the checkpoint. Call that function in the transaction of the rows (P1). */
export function prepareCheckpoint(database: Database): (checkpoint: Checkpoint) => void {
  const put = database.prepare('INSERT OR REPLACE INTO checkpoint VALUES (1, ?, ?, ?, ?, ?)');
  return ({ sequence, fingerprint, created, missing, at }) => put.run([sequence, fingerprint, created, missing, at]);
}
