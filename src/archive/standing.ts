import { deliveryOf } from '#machines/deliveries.ts';
import type { Invocation } from '#machines/invocation.ts';
import type { FullLogEntry, StreamName } from '#src/core/log/event-log.ts';
import { streamKey } from '#src/core/log/stream-key.ts';
import { addAppend, addRequest, bornStream, isOver, type StreamLives } from './stream-lives.ts';

/*
 * Folds the archived part of the log into what must stand and what may go.
 *
 * Invariants: a stream stands from its first message until all its invocations are settled, whole: none of its messages goes
 * before all may go. What goes is forgotten here. Memory grows with what is open, and with what may go and has not yet.
 */
export interface Standing {
  take(entry: FullLogEntry): void;
  /** The sequence of the oldest message that must stand; `undefined` when none must. */
  readonly oldest: number | undefined;
  /** How many messages may go, and how many streams they make up. */
  readonly loose: number;
  readonly settled: number;
  readonly open: number;
  /** The messages that may go. */
  looseSequences(): number[];
  /** Streams that may go though somebody may still have a dead delivery tried again, with their last sequence. */
  revivable(): Iterable<{ name: StreamName; last: number }>;
  /** It must stand after all. */
  revive(name: StreamName): void;
  /** A request that nothing was appended about, before this sequence, repeats one that is over. */
  dropRepeated(before: number): void;
  /** All messages before a sequence that may go are gone; without one, all of them are. */
  gone(before?: number): void;
}

export function createStanding(): Standing {
  const standing = new Map<string, StreamLives>();
  const loose = new Map<string, StreamLives>();
  let others: number[] = [];
  let messages = 0;

  function settle(key: string, stream: StreamLives): void {
    standing.delete(key);
    loose.set(key, stream);
    messages += stream.sequences.length;
  }

  function takeRequest(entry: Extract<FullLogEntry, { kind: 'request' }>): void {
    const key = streamKey(entry.message.name);
    const known = standing.get(key);
    if (known !== undefined) return addRequest(known, entry);
    const done = loose.get(key);
    if (done === undefined) return void standing.set(key, bornStream(entry));
    addRequest(done, entry);
    messages++;
  }

  function takeAppend(entry: Extract<FullLogEntry, { kind: 'append' }>): void {
    const key = streamKey(entry.name);
    if (loose.has(key)) revive(entry.name);
    const stream = standing.get(key);
    // About something that went long ago, as a note that it was run again.
    if (stream === undefined) return takeOther(entry.sequence);
    addAppend(stream, entry);
    // The facts and the headers must agree that nothing is left to do.
    if (Object.keys(entry.wakeTimes).length === 0 && isOver(stream)) settle(key, stream);
  }

  function takeOther(sequence: number): void {
    others.push(sequence);
    messages++;
  }

  function revive(name: StreamName): void {
    const key = streamKey(name);
    const stream = loose.get(key);
    if (stream === undefined) return;
    loose.delete(key);
    messages -= stream.sequences.length;
    standing.set(key, stream);
  }

  return {
    take(entry) {
      if (entry.kind === 'request') return takeRequest(entry);
      if (entry.kind === 'append') return takeAppend(entry);
      takeOther(entry.sequence);
    },
    get oldest() {
      let oldest: number | undefined;
      // A revived stream stands at the end, though it is old.
      for (const { sequences } of standing.values()) if (oldest === undefined || (sequences[0] ?? 0) < oldest) oldest = sequences[0];
      return oldest;
    },
    get loose() {
      return messages;
    },
    get settled() {
      return loose.size;
    },
    get open() {
      return standing.size;
    },
    looseSequences() {
      const all = [...others];
      for (const { sequences } of loose.values()) for (const sequence of sequences) all.push(sequence);
      return all.sort((one, other) => one - other);
    },
    *revivable() {
      for (const { name, lives, sequences } of loose.values()) {
        if ([...lives.values()].some(hasDeadDelivery)) yield { name, last: sequences.at(-1) ?? 0 };
      }
    },
    revive,
    dropRepeated(before) {
      for (const [key, stream] of standing) {
        if (!stream.hasAppends && (stream.sequences.at(-1) ?? 0) < before) settle(key, stream);
      }
    },
    gone(before = Number.POSITIVE_INFINITY) {
      others = others.filter((sequence) => sequence >= before);
      messages = others.length;
      for (const [key, stream] of loose) {
        stream.sequences = stream.sequences.filter((sequence) => sequence >= before);
        messages += stream.sequences.length;
        if (stream.sequences.length === 0) loose.delete(key);
      }
    },
  };
}

function hasDeadDelivery({ context }: Invocation): boolean {
  return Object.keys(context.deliveries).some((id) => deliveryOf(context, id)?.value === 'dead');
}
