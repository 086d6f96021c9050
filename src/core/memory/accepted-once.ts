import type { FullLogEntry, NewRequest, StreamName } from '#src/core/log/event-log.ts';
import { streamKey } from '#src/core/log/stream-key.ts';
import { streamOf } from '#src/core/names/ids.ts';

/** The messages that are not stored twice, as JetStream's deduplication remembers them: by the stream that their message id names. */
export class AcceptedOnce {
  readonly #sequences = new Map<string, number>();

  /** The sequence of the message that holds the request already, by its own stream or by that of the request which it repeats (KEY1). */
  find(name: StreamName, first: NewRequest | undefined, at: (sequence: number) => FullLogEntry | undefined): number | undefined {
    const keys = keysOf(name, first);
    for (const key of keys) {
      const sequence = this.#sequences.get(key) ?? 0;
      const found = at(sequence);
      if (found?.kind === 'request' && keys.includes(streamKey(found.message.name))) return sequence;
    }
    return undefined;
  }

  /** Notes a stored message under the first id that no other message has. */
  note(name: StreamName, first: NewRequest | undefined, sequence: number): void {
    const free = keysOf(name, first).find((key) => !this.#sequences.has(key));
    if (free !== undefined) this.#sequences.set(free, sequence);
  }

  loseFrom(sequence: number): void {
    for (const [key, accepted] of this.#sequences) if (accepted >= sequence) this.#sequences.delete(key);
  }
}

function keysOf(name: StreamName, { once = false, repeats }: Partial<NewRequest> = {}): string[] {
  const repeated = repeats === undefined ? [] : [streamKey({ ...name, stream: streamOf(repeats) })];
  return once ? [...repeated, streamKey(name)] : repeated;
}
