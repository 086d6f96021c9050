import type { Fact } from '#machines/facts.ts';
import { headOfOwned } from '#src/core/log/chain.ts';
import type { FullLogEntry, RecordedAppend, RequestMessage } from '#src/core/log/event-log.ts';
import { streamKey } from '#src/core/names/ids.ts';
import type { History } from './history.ts';

type Transitions = { sequence: number; by: string; fact: Fact }[];
type Stream = { requests: RequestMessage[]; transitions: Transitions; isOwned: boolean; head: string };

/** Collects the entries of the log into histories. */
export interface HistoryCollector {
  read(entry: FullLogEntry): void;
  /** Passes on the histories of invocations that are still open. */
  finish(): void;
}

/**
 * Passes on each history when its invocation is notified, so memory grows with the open invocations only.
 *
 * Later facts, such as a redriven delivery, are left out. Histories hold no payloads.
 */
export function createHistoryCollector(onHistory: (history: History) => void): HistoryCollector {
  const open = new Map<string, Stream>();

  function readRequest(message: RequestMessage): void {
    const stream = open.get(streamKey(message.name));
    if (stream === undefined)
      open.set(streamKey(message.name), { requests: [withoutPayloads(message)], transitions: [], isOwned: false, head: message.hash });
    else if (!stream.isOwned) stream.requests.push(withoutPayloads(message));
  }

  function readAppend({ append, name, sequence }: Extract<FullLogEntry, { kind: 'append' }>): void {
    const stream = open.get(streamKey(name));
    if (stream === undefined || !advance(stream, append)) return;
    for (const fact of append.facts) stream.transitions.push({ sequence, by: append.by, fact: withoutPayload(fact) });
    const notified = stream.transitions.filter(({ fact }) => fact.type === 'notified').length;
    if (notified < (stream.requests[0]?.requests.length ?? 0)) return;
    open.delete(streamKey(name));
    for (const history of historiesOf(stream)) onHistory(history);
  }

  return {
    read(entry) {
      if (entry.kind === 'request') readRequest(entry.message);
      else if (entry.kind === 'append') readAppend(entry);
    },
    finish() {
      for (const stream of open.values()) for (const history of historiesOf(stream)) onHistory(history);
      open.clear();
    },
  };
}

/** Moves the head of a stream. The first accepted append names the request that owns the stream. Returns false for an append that does not count. */
function advance(stream: Stream, append: RecordedAppend): boolean {
  const owner = stream.requests.find(({ sequence }) => sequence === append.request);
  const head = headOfOwned(stream, owner?.hash, append);
  if (head === undefined) return false;
  stream.head = head;
  if (!stream.isOwned && owner !== undefined) stream.requests = [owner];
  stream.isOwned = true;
  return true;
}

/** Without an append, the first of several requests stands for all: they differ in their time only. */
function historiesOf({ requests: [message], transitions }: Stream): History[] {
  if (message === undefined) return [];
  return message.requests.map(({ fact }) => {
    const { invocation: requestId, function: name } = fact;
    const accepted = { sequence: message.sequence, by: 'client', fact };
    const own = transitions.filter((transition) => transition.fact.invocation === requestId);
    return { requestId, function: name, transitions: [accepted, ...own] };
  });
}

function withoutPayloads(message: RequestMessage): RequestMessage {
  return { ...message, requests: message.requests.map((request) => ({ ...request, payload: '' })) };
}

function withoutPayload(fact: Fact): Fact {
  const { output: _, ...kept } = fact as Fact & { output?: string };
  return ('payload' in kept ? { ...kept, payload: '' } : kept) as Fact;
}
