import type { StoredEntry } from '#src/core/log/log-source.ts';
import type { Value } from './sqlite.ts';

/** A row of `appends`, as the log told it. */
export function toEntry([sequence, at, subject, headers, body]: readonly Value[]): StoredEntry {
  const given = body as string | Uint8Array | ArrayBuffer;
  return {
    sequence: Number(sequence),
    at: Number(at),
    subject: String(subject),
    headers: headers as string | null,
    // One of the two libraries gives an `ArrayBuffer`.
    body: given instanceof ArrayBuffer ? new Uint8Array(given) : given,
  };
}
