import { type Invocation, invocationFolder } from '#machines/invocation.ts';
import type { FullLogEntry, RequestMessage, StreamName } from '#src/core/log/event-log.ts';
import { isSettled } from '#src/core/stream/stream.ts';

/** A stream as far as it was read: where its messages stand, and what became of its invocations. */
export type StreamLives = {
  name: StreamName;
  sequences: number[];
  /** When its requests were accepted. */
  acceptedAt: number;
  lives: Map<string, Invocation>;
  hasAppends: boolean;
  /** Requests of the same id, of which the first append names the owner. */
  births: StreamRequest[];
};
type StreamRequest = Pick<StreamLives, 'acceptedAt' | 'lives'> & { sequence: number };

type RequestEntry = Extract<FullLogEntry, { kind: 'request' }>;
type AppendEntry = Extract<FullLogEntry, { kind: 'append' }>;

export function bornStream({ message }: RequestEntry): StreamLives {
  const birth = birthOf(message);
  return { ...birth, name: message.name, sequences: [message.sequence], hasAppends: false, births: [birth] };
}

export function addRequest(stream: StreamLives, { message }: RequestEntry): void {
  stream.sequences.push(message.sequence);
  if (!stream.hasAppends) stream.births.push(birthOf(message));
}

export function addAppend(stream: StreamLives, { append, sequence }: AppendEntry): void {
  stream.sequences.push(sequence);
  if (!stream.hasAppends && append.request > 0) {
    const owner = stream.births.find((birth) => birth.sequence === append.request);
    if (owner !== undefined) Object.assign(stream, { lives: owner.lives, acceptedAt: owner.acceptedAt });
    stream.hasAppends = true;
    stream.births = [];
  }
  for (const fact of append.facts) {
    const life = stream.lives.get(fact.invocation);
    const step = life === undefined ? undefined : invocationFolder.step(life, fact);
    if (step !== undefined) stream.lives.set(fact.invocation, step.snapshot);
  }
}

export function isOver({ lives }: StreamLives): boolean {
  for (const life of lives.values()) if (!isSettled(life)) return false;
  return true;
}

function birthOf({ sequence, at, requests }: RequestMessage): StreamRequest {
  const lives = new Map<string, Invocation>();
  for (const { fact } of requests) {
    const step = invocationFolder.step(invocationFolder.initial, fact);
    if (step !== undefined) lives.set(fact.invocation, step.snapshot);
  }
  return { sequence, acceptedAt: at, lives };
}
