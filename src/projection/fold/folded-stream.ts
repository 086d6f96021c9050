import type { Fact } from '#machines/facts.ts';
import { headAfter, headOfOwned } from '#src/core/log/chain.ts';
import type { FullLogEntry, RecordedAppend, RequestMessage, StreamName } from '#src/core/log/event-log.ts';
import { MAX_BATCH } from '#src/core/names/ids.ts';
import { isFunctionName, NO_FUNCTION } from '#src/core/names/names.ts';
import { isInvocationSettled } from '#src/core/stream/stream.ts';
import { isOpenInvocation } from './figures.ts';
import { createProjectedInvocation, foldFact, type LogPosition, type ProjectedInvocation } from './projected-invocation.ts';

/** A stream while it is folded: the invocations that were accepted together. */
export type FoldedStream = {
  /** The sequence of the first request. */
  requestSequence: number;
  /** Whether an accepted append has named the owner. */
  hasAppends: boolean;
  /** The hash of the last accepted message (LINK1). */
  head: string;
  invocations: Map<string, ProjectedInvocation>;
  /** The hashes of the later requests of the same id, by their sequences. The first append names the request that owns the stream. */
  rivals: Map<number, string>;
  /** The contents of the later requests that may not be stored yet. The contents of a stored request are read when it owns the stream. */
  unstored: Map<number, RequestMessage>;
};

/** The stored appends of a stream, oldest first. */
export type StoredStream = { requestSequence: number; entries: readonly FullLogEntry[] };

/** Receives the result of each fact of an append. */
export interface FactListener {
  onChange(projected: ProjectedInvocation): void;
  /** The machine accepted a fact. `before`: the invocation before it. */
  onFact(projected: ProjectedInvocation, fact: Fact, before: { wasOpen: boolean; attemptAt: number | null }): void;
  /** A fact, given by its index in the append, changed nothing. */
  onRefused(refused: { position: LogPosition; factIndex: number; invocation: string; why: string }): void;
}

export function createFoldedStream(message: RequestMessage): FoldedStream {
  const invocations = invocationsOf(message, message.sequence, message);
  return { requestSequence: message.sequence, hasAppends: false, head: message.hash, invocations, rivals: new Map(), unstored: new Map() };
}

function invocationsOf(
  { requests, sequence }: RequestMessage,
  requestSequence: number,
  { sequence: since, at }: LogPosition,
): Map<string, ProjectedInvocation> {
  const invocations = new Map<string, ProjectedInvocation>();
  const last = { sequence: since, at };
  for (const [index, { fact, payload }] of requests.entries()) {
    const accepted = { seq: sequence * MAX_BATCH + index, requestSequence, payload, last };
    invocations.set(fact.invocation, createProjectedInvocation(fact, accepted));
  }
  return invocations;
}

/** Whether an append follows the head of the stream, or the request that it names as the owner (LINK2). Moves the head if it does. */
export function advanceHead(stream: FoldedStream, append: RecordedAppend): boolean {
  const head = stream.hasAppends ? headAfter(stream.head, append) : headOfFirst(stream, append);
  if (head === undefined) return false;
  stream.head = head;
  return true;
}

function headOfFirst({ head, requestSequence, rivals }: FoldedStream, append: RecordedAppend): string | undefined {
  const named = append.request === requestSequence ? head : rivals.get(append.request);
  return headOfOwned({ isOwned: false, head }, named, append);
}

export function addRival({ rivals, unstored }: FoldedStream, message: RequestMessage): void {
  rivals.set(message.sequence, message.hash);
  unstored.set(message.sequence, message);
}

/**
 * Gives the stream to the request that its first accepted append names. Returns the invocations of the request that lost the stream.
 * `load` reads the stored stream, for a request whose contents are not in memory.
 */
export function settleOwner(
  stream: FoldedStream,
  { request }: RecordedAppend,
  { position, load }: { position: LogPosition; load: () => StoredStream | undefined },
): ProjectedInvocation[] {
  if (stream.hasAppends) return [];
  // An append without a readable request names no owner.
  if (request <= 0) return [];
  stream.hasAppends = true;
  const owner = stream.rivals.has(request) ? (stream.unstored.get(request) ?? requestIn(load(), request)) : undefined;
  stream.rivals = new Map();
  stream.unstored = new Map();
  if (owner === undefined) return [];
  const removed = [...stream.invocations.values()];
  stream.invocations = invocationsOf(owner, stream.requestSequence, position);
  for (const projected of removed) projected.isDirty = false;
  return removed;
}

function requestIn(stored: StoredStream | undefined, sequence: number): RequestMessage | undefined {
  for (const entry of stored?.entries ?? []) if (entry.kind === 'request' && entry.sequence === sequence) return entry.message;
  return undefined;
}

export type PositionedFacts = { facts: readonly Fact[]; position: LogPosition };

export function foldFacts(stream: FoldedStream, { facts, position }: PositionedFacts, listener: FactListener): void {
  for (let factIndex = 0; factIndex < facts.length; factIndex++) {
    const fact = facts[factIndex];
    if (fact === undefined) return;
    const { type, invocation } = fact;
    const projected = stream.invocations.get(invocation);
    if (projected === undefined) {
      listener.onRefused({ position, factIndex, invocation, why: `${type} is about an invocation that is not of this stream` });
      continue;
    }
    const before = { wasOpen: isOpenInvocation(projected), attemptAt: projected.attemptAt };
    if (foldFact(projected, fact, position)) {
      listener.onFact(projected, fact, before);
      listener.onChange(projected);
    } else listener.onRefused({ position, factIndex, invocation, why: `the machine refuses ${type} in ${projected.snapshot.value}` });
  }
}

const noListener: FactListener = { onChange() {}, onFact() {}, onRefused() {} };

/** The sequences of the stored appends that do not count (LINK2). */
export function uncountedIn(stored: StoredStream): ReadonlySet<number> {
  const sequences = new Set<number>();
  refold(stored, (sequence) => void sequences.add(sequence));
  return sequences;
}

/** Folds a stream again from its stored appends. The result equals the stream that stayed in memory (FOLD1). */
export function refold(stored: StoredStream, onUncounted: (sequence: number) => void = () => {}): FoldedStream {
  const { requestSequence, entries } = stored;
  const stream: FoldedStream = {
    requestSequence,
    hasAppends: false,
    head: '',
    invocations: new Map(),
    rivals: new Map(),
    unstored: new Map(),
  };
  for (const entry of entries) {
    if (entry.kind === 'request' && stream.invocations.size === 0) {
      stream.invocations = invocationsOf(entry.message, requestSequence, entry);
      stream.head = entry.message.hash;
    } else if (entry.kind === 'request' && !stream.hasAppends) stream.rivals.set(entry.sequence, entry.message.hash);
    else if (entry.kind === 'append' && !advanceHead(stream, entry.append)) onUncounted(entry.sequence);
    else if (entry.kind === 'append') {
      const position = { sequence: entry.sequence, at: entry.at };
      settleOwner(stream, entry.append, { position, load: () => stored });
      foldFacts(stream, { facts: entry.append.facts, position }, noListener);
    }
  }
  return stream;
}

export function isStreamSettled({ invocations }: FoldedStream): boolean {
  for (const { snapshot } of invocations.values()) if (!isInvocationSettled(snapshot)) return false;
  return true;
}

/** The function in the name of an invocation's stream, from the function of its request. */
export function streamFunctionOf(requestedFunction: string): StreamName['function'] {
  return isFunctionName(requestedFunction) ? requestedFunction : NO_FUNCTION;
}
