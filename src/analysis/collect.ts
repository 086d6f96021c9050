import type { Fact } from '#machines/facts.ts';
import type { FullLogEntry, RequestMessage } from '#src/core/log/event-log.ts';
import { streamKey } from '#src/core/log/stream-key.ts';
import type { History } from './history.ts';

type Transitions = { sequence: number; by: string; fact: Fact }[];
type Stream = { requests: RequestMessage[]; transitions: Transitions };

/**
 * Collects the log into histories, and tells each when its invocation is notified: memory grows with what is open. What comes
 * after that (a dead delivery tried again) is left out. `finish` tells those that are still open.
 */
export function createCollector(onHistory: (history: History) => void): { read(entry: FullLogEntry): void; finish(): void } {
  const open = new Map<string, Stream>();

  function tell({ requests, transitions }: Stream): void {
    // The first append says which of several requests of one id began it; they are alike in all but their time.
    const [request] = requests;
    for (const { fact } of request?.requests ?? []) {
      const { invocation: requestId, function: name } = fact;
      const born = { sequence: request?.sequence ?? 0, by: 'client', fact };
      onHistory({ requestId, function: name, transitions: [born, ...transitions.filter((one) => one.fact.invocation === requestId)] });
    }
  }

  function readRequest(message: RequestMessage): void {
    const stream = open.get(streamKey(message.name));
    if (stream === undefined) open.set(streamKey(message.name), { requests: [withoutPayloads(message)], transitions: [] });
    else if (stream.transitions.length === 0) stream.requests.push(withoutPayloads(message));
  }

  function readAppend({ append, name, sequence }: Extract<FullLogEntry, { kind: 'append' }>): void {
    const stream = open.get(streamKey(name));
    if (stream === undefined) return;
    if (stream.transitions.length === 0) stream.requests = stream.requests.filter((request) => request.sequence === append.request);
    for (const fact of append.facts) stream.transitions.push({ sequence, by: append.by, fact: slim(fact) });
    const told = stream.transitions.filter(({ fact }) => fact.type === 'notified').length;
    if (told < (stream.requests[0]?.requests.length ?? 0)) return;
    open.delete(streamKey(name));
    tell(stream);
  }

  return {
    read(entry) {
      if (entry.kind === 'request') readRequest(entry.message);
      else if (entry.kind === 'append') readAppend(entry);
    },
    finish() {
      for (const stream of open.values()) tell(stream);
      open.clear();
    },
  };
}

function withoutPayloads(message: RequestMessage): RequestMessage {
  return { ...message, requests: message.requests.map((request) => ({ ...request, payload: '' })) };
}

function slim(fact: Fact): Fact {
  const { output: _, ...rest } = fact as Fact & { output?: string };
  return ('payload' in rest ? { ...rest, payload: '' } : rest) as Fact;
}
