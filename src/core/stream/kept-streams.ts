import type { Invocation } from '#machines/invocation.ts';
import { type EventLog, NO_APPENDS, type StreamVersion } from '#src/core/log/event-log.ts';
import { streamKey } from '#src/core/names/ids.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import { PassingMap } from './passing-map.ts';
import { isInvocationSettled, type StreamState, wakeTimesOf } from './stream.ts';
import type { WorkItem } from './work-queue.ts';

/**
 * Streams with a retry a moment ago or soon, and streams that wait for a slot of their key, kept in memory so that their wakes need no read of the log.
 *
 * - The run that settled its items keeps a stream: the results of the outcomes that the process appended are stored. Outcomes of other
 *   processes keep their versions, because the item that stands for one of them may still return (KEEP1).
 * - A kept state may be older than the log. A wake uses it only if the sender of the wake knew nothing newer, and the first append expects
 *   its version (KEEP2). Nothing is used that was kept before the log went backwards.
 * - The oldest streams are dropped when the memory is full. Their wakes read the log (KEEP3).
 */
export interface KeptStreams {
  /** Keeps the open invocations of a stream, if an attempt is due soon or waits for a slot. Of a stream that is settled, only the version is kept. */
  keep(state: StreamState): void;
  /**
   * Removes and returns the state that a wake may use: `settled` when the wake is about nothing that is left to do, `undefined` when the log
   * must be read.
   */
  take(item: WorkItem): StreamState | 'settled' | undefined;
}

export type KeptStreamsOptions = { log: Pick<EventLog, 'epoch'>; clock: Pick<Clock, 'now'>; maxBytes?: number };

type Kept = { version: StreamVersion; epoch: number; state: StreamState | 'settled'; bytes: number };

const SOON_IN_MS = 60_000;
/** For all functions of a worker together. */
const MAX_BYTES = 32 * 1_024 * 1_024;
/** An estimate of the memory of one invocation or fact without its payload, and of one entry. */
const BYTES_OF_OBJECT = 512;

export function createKeptStreams({ log, clock, maxBytes = MAX_BYTES }: KeptStreamsOptions): KeptStreams {
  const kept = new PassingMap<string, Kept>();
  let size = 0;

  function remove(key: string): Kept | undefined {
    const found = kept.delete(key);
    size -= found?.bytes ?? 0;
    return found;
  }

  function dropOldest(): void {
    for (const [key] of kept) {
      if (size <= maxBytes) return;
      remove(key);
    }
  }

  function insert({ name, version }: Pick<StreamState, 'name' | 'version'>, state: StreamState | 'settled', bytes: number): void {
    const key = streamKey(name);
    remove(key);
    kept.set(key, { version, epoch: log.epoch(), state, bytes });
    size += bytes;
    dropOldest();
  }

  return {
    keep(state) {
      const open = withoutSettled(state);
      if (open.invocations.size === 0) return insert(state, 'settled', BYTES_OF_OBJECT);
      const { dueAt = Number.POSITIVE_INFINITY, waitsFor } = wakeTimesOf(open.invocations);
      const bytes = bytesOf(open);
      const isSoon = waitsFor !== undefined || dueAt - clock.now() <= SOON_IN_MS;
      if (isSoon && bytes <= maxBytes) insert(state, open, bytes);
    },
    take({ name, message, version = Number.POSITIVE_INFINITY }) {
      if (message !== undefined) return undefined;
      const found = remove(streamKey(name));
      if (found === undefined || version > found.version || found.epoch !== log.epoch()) return undefined;
      // Several wakes of a settled stream may still be in the queue.
      if (found.state === 'settled') insert({ name, version: found.version }, 'settled', found.bytes);
      return found.state;
    },
  };
}

/**
 * A state of the invocations that are open. A settled invocation asks for no effect and has no wake time, so the next run does not need it.
 *
 * An outcome of another process stays, because its result may be missing (PUB2).
 */
function withoutSettled(state: StreamState): StreamState {
  const outcomesRead = new Map(state.outcomesRead);
  const invocations = new Map<string, Invocation>();
  for (const [id, invocation] of state.invocations) {
    if (isInvocationSettled(invocation) && !outcomesRead.has(id)) continue;
    invocations.set(id, invocation);
    // Own outcomes become older than every item, so that the next run neither publishes nor looks up their results (KEEP1).
    if (invocation.context.outcome !== null && !outcomesRead.has(id)) outcomesRead.set(id, NO_APPENDS);
  }
  const requests = state.request.requests.filter(({ fact }) => invocations.has(fact.invocation));
  const facts = state.facts.filter(({ invocation }) => invocations.has(invocation));
  return { ...state, request: { ...state.request, requests }, invocations, facts, outcomesRead };
}

function bytesOf({ request, facts }: StreamState): number {
  let bytes = BYTES_OF_OBJECT;
  for (const { payload } of request.requests) bytes += 2 * payload.length + 2 * BYTES_OF_OBJECT;
  for (const fact of facts) {
    bytes += BYTES_OF_OBJECT;
    if ('payload' in fact) bytes += 2 * fact.payload.length;
    if ('output' in fact) bytes += 2 * (fact.output?.length ?? 0);
  }
  return bytes;
}
