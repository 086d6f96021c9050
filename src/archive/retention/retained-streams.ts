import { deliveryOf } from '#machines/deliveries.ts';
import { isDead } from '#machines/delivery.ts';
import type { Invocation } from '#machines/invocation.ts';
import type { FullLogEntry, StreamName } from '#src/core/log/event-log.ts';
import { streamKey } from '#src/core/names/ids.ts';
import { type ArchivedStream, addAppend, addRequest, createArchivedStream, isStreamSettled, memberStreamsOf } from './archived-stream.ts';

/**
 * Folds the archived part of the log, and separates the messages that the log must retain from those that may be removed.
 *
 * 1. A stream is retained, whole, from its first message until all its invocations are settled (J2).
 * 2. The leader of a debounced group is retained until the streams of its members are settled too: a member reads the outcome there (J2, DEB3).
 * 3. The messages of a settled stream are removable. An append to the stream makes it retained again.
 * 4. A removed stream is removed from memory too. Memory grows with the retained and the removable messages.
 */
export class RetainedStreams {
  readonly #open = new Map<string, ArchivedStream>();
  readonly #settled = new Map<string, ArchivedStream>();
  /** The retained streams that are settled themselves, and wait for a member of their groups. */
  readonly #leading = new Set<string>();
  /** The leaders that wait for an open stream of a member, by the key of that stream. */
  readonly #leadersOf = new Map<string, string[]>();
  /** Removable messages of no known stream. */
  #others: number[] = [];
  #removable = 0;
  #settledInvocations = 0;

  /** The sequence of the oldest retained message; `undefined` when no message is retained. */
  get oldest(): number | undefined {
    let oldest: number | undefined;
    // The map is not in the order of sequences: a reopened stream is its last entry.
    for (const { sequences } of this.#open.values()) if (oldest === undefined || (sequences[0] ?? 0) < oldest) oldest = sequences[0];
    return oldest;
  }

  /** The number of removable messages. */
  get removable(): number {
    return this.#removable;
  }

  /** The number of invocations in settled streams, whose messages are removable. */
  get settled(): number {
    return this.#settledInvocations;
  }

  /** The number of settled streams. */
  get settledStreams(): number {
    return this.#settled.size;
  }

  /** The number of retained streams. */
  get open(): number {
    return this.#open.size;
  }

  take(entry: FullLogEntry): void {
    if (entry.kind === 'request') this.#takeRequest(entry);
    else if (entry.kind === 'append') this.#takeAppend(entry);
    else this.#takeOther(entry.sequence);
  }

  removableSequences(): number[] {
    const all = [...this.#others];
    for (const { sequences } of this.#settled.values()) for (const sequence of sequences) all.push(sequence);
    return all.sort((one, other) => one - other);
  }

  /** Settled streams with a dead delivery, also a dismissed one, which may be redriven, and the last sequence of each. */
  *redrivable(): Iterable<{ name: StreamName; last: number }> {
    for (const { name, invocations, sequences } of this.#settled.values()) {
      if ([...invocations.values()].some(hasDeadDelivery)) yield { name, last: sequences.at(-1) ?? 0 };
    }
  }

  /** Makes a settled stream retained again. */
  reopen(name: StreamName): void {
    const key = streamKey(name);
    const stream = this.#settled.get(key);
    if (stream === undefined) return;
    this.#forgetSettled(key, stream);
    this.#removable -= stream.sequences.length;
    this.#open.set(key, stream);
  }

  /** Settles requests before a sequence that have no append: each repeats a request that finished earlier. */
  settleRepeated(before: number): void {
    for (const [key, stream] of this.#open) {
      if (!stream.hasAppends && (stream.sequences.at(-1) ?? 0) < before) this.#settle(key, stream);
    }
  }

  /** All removable messages before a sequence were removed. Without a sequence, all of them were. */
  removed(before = Number.POSITIVE_INFINITY): void {
    this.#others = this.#others.filter((sequence) => sequence >= before);
    this.#removable = this.#others.length;
    for (const [key, stream] of this.#settled) {
      stream.sequences = stream.sequences.filter((sequence) => sequence >= before);
      this.#removable += stream.sequences.length;
      if (stream.sequences.length === 0) this.#forgetSettled(key, stream);
    }
  }

  #takeRequest(entry: Extract<FullLogEntry, { kind: 'request' }>): void {
    const key = streamKey(entry.message.name);
    const open = this.#open.get(key);
    if (open !== undefined) return addRequest(open, entry);
    const settled = this.#settled.get(key);
    if (settled === undefined) return void this.#open.set(key, createArchivedStream(entry));
    addRequest(settled, entry);
    this.#removable++;
  }

  #takeAppend(entry: Extract<FullLogEntry, { kind: 'append' }>): void {
    const key = streamKey(entry.name);
    this.reopen(entry.name);
    const stream = this.#open.get(key);
    // The stream was removed long ago: for example, a `redriven` fact is appended late.
    if (stream === undefined) return this.#takeOther(entry.sequence);
    addAppend(stream, entry);
    this.#leading.delete(key);
    // The facts and the headers must agree that no work is left.
    if (Object.keys(entry.wakeTimes).length === 0 && isStreamSettled(stream)) this.#settleAfterMembers(key, stream);
  }

  #forgetSettled(key: string, stream: ArchivedStream): void {
    this.#settled.delete(key);
    this.#settledInvocations -= stream.invocations.size;
  }

  #takeOther(sequence: number): void {
    this.#others.push(sequence);
    this.#removable++;
  }

  /** Settles a stream, or has it wait for one open stream of its members. Leaders that wait for members of each other do not wait. */
  #settleAfterMembers(key: string, stream: ArchivedStream): void {
    const awaited = memberStreamsOf(stream).find((member) => member !== key && this.#open.has(member) && !this.#leading.has(member));
    if (awaited === undefined) return this.#settle(key, stream);
    this.#leading.add(key);
    this.#leadersOf.set(awaited, [...(this.#leadersOf.get(awaited) ?? []), key]);
  }

  #settle(key: string, stream: ArchivedStream): void {
    this.#open.delete(key);
    this.#leading.delete(key);
    this.#settled.set(key, stream);
    this.#settledInvocations += stream.invocations.size;
    this.#removable += stream.sequences.length;
    const leaders = this.#leadersOf.get(key) ?? [];
    this.#leadersOf.delete(key);
    for (const leader of leaders) {
      const waiting = this.#leading.has(leader) ? this.#open.get(leader) : undefined;
      if (waiting !== undefined) this.#settleAfterMembers(leader, waiting);
    }
  }
}

function hasDeadDelivery({ context }: Invocation): boolean {
  return Object.keys(context.deliveries).some((id) => isDead(deliveryOf(context, id)));
}
