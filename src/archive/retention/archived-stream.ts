import { type Invocation, invocationFolder } from '#machines/invocation.ts';
import { headOfOwned } from '#src/core/log/chain.ts';
import type { FullLogEntry, RequestMessage, StreamName } from '#src/core/log/event-log.ts';
import { streamKey, streamOf } from '#src/core/names/ids.ts';
import type { RequestId } from '#src/core/names/names.ts';
import { isInvocationSettled } from '#src/core/stream/stream.ts';

/** A stream as far as it was read: the sequences of its messages, and the states of its invocations. */
export type ArchivedStream = {
  name: StreamName;
  sequences: number[];
  /** When the request was accepted. */
  acceptedAt: number;
  invocations: Map<string, Invocation>;
  hasAppends: boolean;
  /** The hash of the last accepted message (LINK1). */
  head: string;
  /** Requests of the same id. The first append names the request that owns the stream. */
  requests: StreamRequest[];
};
type StreamRequest = Pick<ArchivedStream, 'acceptedAt' | 'invocations' | 'head'> & { sequence: number };

type RequestEntry = Extract<FullLogEntry, { kind: 'request' }>;
type AppendEntry = Extract<FullLogEntry, { kind: 'append' }>;

export function createArchivedStream({ message }: RequestEntry): ArchivedStream {
  const request = requestOf(message);
  const { acceptedAt, invocations, head } = request;
  return { name: message.name, sequences: [message.sequence], acceptedAt, invocations, head, hasAppends: false, requests: [request] };
}

export function addRequest(stream: ArchivedStream, { message }: RequestEntry): void {
  stream.sequences.push(message.sequence);
  if (!stream.hasAppends) stream.requests.push(requestOf(message));
}

export function addAppend(stream: ArchivedStream, { append, sequence }: AppendEntry): void {
  stream.sequences.push(sequence);
  const owner = stream.hasAppends ? undefined : stream.requests.find((request) => request.sequence === append.request);
  const head = headOfOwned({ isOwned: stream.hasAppends, head: stream.head }, owner?.head, append);
  if (head === undefined) return;
  stream.head = head;
  if (owner !== undefined) {
    Object.assign(stream, { invocations: owner.invocations, acceptedAt: owner.acceptedAt, hasAppends: true, requests: [] });
  }
  for (const fact of append.facts) {
    const invocation = stream.invocations.get(fact.invocation);
    const step = invocation === undefined ? undefined : invocationFolder.step(invocation, fact);
    if (step !== undefined) stream.invocations.set(fact.invocation, step.snapshot);
  }
}

export function isStreamSettled({ invocations }: ArchivedStream): boolean {
  for (const invocation of invocations.values()) if (!isInvocationSettled(invocation)) return false;
  return true;
}

/** The keys of the streams of all members of the groups that invocations of a stream lead. */
export function memberStreamsOf({ name, invocations }: ArchivedStream): string[] {
  const members = [...invocations.values()].flatMap(({ context: { group } }) => group?.members ?? []);
  return members.map(({ invocation }) => streamKey({ function: name.function, stream: streamOf(invocation as RequestId) }));
}

function requestOf({ sequence, at, hash, requests }: RequestMessage): StreamRequest {
  const invocations = new Map<string, Invocation>();
  for (const { fact } of requests) {
    const step = invocationFolder.step(invocationFolder.initial, fact);
    if (step !== undefined) invocations.set(fact.invocation, step.snapshot);
  }
  return { sequence, acceptedAt: at, head: hash, invocations };
}
