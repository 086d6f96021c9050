import type { StoredEntry } from '#src/core/log/log-source.ts';
import type { Value } from './sqlite.ts';

/** Converts a row of `appends` to the entry that the log delivered. */
export function toEntry([sequence, at, subject, headers, stored]: readonly Value[]): StoredEntry {
  const body = stored as string | Uint8Array | ArrayBuffer;
  return {
    sequence: Number(sequence),
    at: Number(at),
    subject: String(subject),
    headers: headers as string | null,
    // libsql returns an `ArrayBuffer`.
    body: body instanceof ArrayBuffer ? new Uint8Array(body) : body,
  };
}
