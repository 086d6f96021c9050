import type { PoolId } from '#src/core/functions/flow.ts';
import type { StreamName } from '#src/core/log/event-log.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import { type OnWait, OpenStreams } from '#src/scheduler/open/open-streams.ts';

/** The folded streams of one function, whose log is written message by message. */
export interface WaitingLog {
  readonly streams: OpenStreams;
  /** A request, or a message of several ones. Returns its sequence. */
  request(stream: string, isBatch?: boolean): number;
  /** An append after which the attempt of the stream waits with a key. */
  wait(stream: string, key: string, attempt?: number): void;
  /** An append after which the requests of a message wait, each with its key, or with an empty one does not. `hasOthers`: others have no place yet. */
  waitAll(stream: string, keys: readonly string[], hasOthers?: boolean): void;
  /** An append after which the stream waits for nothing. */
  start(stream: string): void;
  /** An append that settles the stream, whose record is free for another one. */
  settle(stream: string): void;
}

export const ORDERS = 'orders' as FunctionName;
export const POOL = 'function.orders' as PoolId;

export function openWaitingLog(onWait?: OnWait): WaitingLog {
  const streams = new OpenStreams({
    ...{ patienceInMs: 100, unknownGraceInMs: 10, maxAgeOf: () => 1e12 },
    ...(onWait === undefined ? {} : { onWait }),
  });
  let sequence = 0;
  const name = (stream: string): StreamName => ({ function: ORDERS, stream: stream as StreamId });
  const append = (stream: string, wakeTimes: { inProgressSince?: number; waitsFor?: string }): void =>
    streams.fold({ kind: 'append', sequence: ++sequence, at: sequence, name: name(stream), wakeTimes });
  return {
    streams,
    request(stream, isBatch = false) {
      streams.fold({ kind: 'request', sequence: ++sequence, at: sequence, name: name(stream), size: 10, ...(isBatch ? { isBatch } : {}) });
      return sequence;
    },
    wait: (stream, key, attempt = 1) => append(stream, { inProgressSince: 1, waitsFor: `0/${attempt}/${POOL}/${key}` }),
    waitAll(stream, keys, hasOthers = false) {
      const waits = keys.flatMap((key, index) => (key === '' ? [] : [`${index}/1/${POOL}/${key}`]));
      append(stream, { inProgressSince: 1, waitsFor: `${hasOthers ? '+' : ''}${waits.join(',')}` });
    },
    start: (stream) => append(stream, { inProgressSince: 1 }),
    settle: (stream) => append(stream, {}),
  };
}
