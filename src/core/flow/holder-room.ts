import type { Attempt } from './ledger-entry.ts';

/** An entry has so many holders at most. An attempt beyond them waits in the log. */
export const MAX_HOLDERS = 4_096;
/** The holders have so many bytes at most, so that the entry stays a message of 1 MiB beside its buckets and waiters. */
const MAX_HOLDER_BYTES = 600_000;
/** The longest key of a flow, encoded: 128 characters of three bytes each. */
export const MAX_KEY_BYTES = 384;
/** The name of a function, an id, a rate, and the names of the fields have at most so many bytes. */
const MAX_BYTES_BESIDE_KEY = 360;
/** So few holders have room whatever their keys are. */
const ALWAYS = Math.floor(MAX_HOLDER_BYTES / (MAX_KEY_BYTES + MAX_BYTES_BESIDE_KEY));
const BYTES_OF_FIELDS = 80;

/** The room for holders in an entry, while a change of the entry is decided. The bytes are counted only when many attempts hold slots. */
export class HolderRoom {
  readonly #holders: ReadonlyMap<string, Attempt>;
  #bytes: number | undefined;

  constructor(holders: ReadonlyMap<string, Attempt>) {
    this.#holders = holders;
  }

  get isFull(): boolean {
    const { size } = this.#holders;
    if (size < ALWAYS) return false;
    if (size >= MAX_HOLDERS) return true;
    this.#bytes ??= [...this.#holders.values()].reduce((sum, one) => sum + bytesOf(one), 0);
    return this.#bytes >= MAX_HOLDER_BYTES;
  }

  /** `by`: 1 for a holder that was added, and -1 for one that was removed. */
  count(attempt: Attempt, by: 1 | -1): void {
    if (this.#bytes !== undefined) this.#bytes += by * bytesOf(attempt);
  }
}

/** The bytes of a text as JSON. */
export function encodedBytesOf(text: string): number {
  return Buffer.byteLength(JSON.stringify(text));
}

function bytesOf({ key, function: name, invocation, rate }: Attempt): number {
  return encodedBytesOf(key) + name.length + invocation.length + (rate?.length ?? 0) + BYTES_OF_FIELDS;
}
