import { randomBytes } from 'node:crypto';
import type { Fact } from '#machines/facts.ts';
import type { Append, EventLog, NewRequest, StreamName, StreamVersion } from '#src/core/log/event-log.ts';
import { NO_APPENDS } from '#src/core/log/event-log.ts';
import { createStreamId, idAt } from '#src/core/names/ids.ts';
import type { FunctionName, RequestId, StreamId } from '#src/core/names/names.ts';
import { loadStream, type StreamState } from '#src/core/stream/stream.ts';

/** A log for a contract suite, with the actions of other processes. */
export interface OpenedLog extends AsyncDisposable {
  readonly log: EventLog;
  /** The same log, opened by another process. */
  readonly other: EventLog;
  /** Publishes bytes to `invoke.<token>`, as any client may. Returns the sequence. */
  publish(token: string, data: string | Uint8Array, headers?: Readonly<Record<string, string>>): Promise<number>;
  /** Purges all messages before a sequence, as the janitor does. */
  purge(before: number): Promise<void>;
}

/** The name of a stream that no other test has. */
export function newStream(name = 'orders'): StreamName {
  return { function: name as FunctionName, stream: createStreamId(Date.now(), randomBytes(8)) };
}

let streams = 0;

/** A stream under an id that the caller brings: the idempotency key. */
export function ownStream(name = 'orders'): StreamName {
  return { function: name as FunctionName, stream: `order-${Date.now()}-${streams++}` as StreamId };
}

let appends = 0;
export const appendId = (): string => `test-${process.pid}-${appends++}`;

export function append(
  facts: readonly Fact[],
  { previous = NO_APPENDS, request = 1 }: { previous?: StreamVersion; request?: number } = {},
): Append {
  return { id: appendId(), previous, request, by: 'test', facts };
}

/** Accepts one request of the stream's own id; returns its sequence. */
export async function accept(log: EventLog, name: StreamName, request: Partial<NewRequest> = {}): Promise<number> {
  return (await log.accept(name, [{ payload: '{"id":7}', ...request }])).sequence;
}

/** Accepts requests that share a stream. Resolves to the state after acceptance, and to the request ids. */
export async function acceptStream(log: EventLog, count: number): Promise<{ state: StreamState; ids: RequestId[]; name: StreamName }> {
  const name = newStream();
  const { sequence } = await log.accept(
    name,
    Array.from({ length: count }, (_, index) => ({ payload: String(index) })),
  );
  const state = await loadStream(log, name, sequence);
  if (state === undefined) throw new Error('the request is not there');
  const ids = count === 1 ? [name.stream as string as RequestId] : state.request.requests.map((_, index) => idAt(name.stream, index));
  return { state, name, ids };
}

/** Collects the entries of a log up to the first that satisfies the condition, inclusive. The test's timeout is the deadline. */
export async function collect<Entry>(
  follow: (onEntry: (entry: Entry) => void, signal: AbortSignal) => Promise<void>,
  isLast: (entry: Entry) => boolean,
): Promise<Entry[]> {
  const entries: Entry[] = [];
  const enough = new AbortController();
  await follow((entry) => {
    if (enough.signal.aborted) return;
    entries.push(entry);
    if (isLast(entry)) enough.abort();
  }, enough.signal);
  return entries;
}

/** Waits for a result whose cause has already happened. The test's timeout is the deadline. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
