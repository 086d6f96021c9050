import type { Fact } from '#machines/facts.ts';
import { invocationFolder } from '#machines/invocation.ts';
import { statusOf } from '#machines/status.ts';
import type { AnswerOf } from '#src/core/history-questions.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import { uncountedIn } from '#src/projection/fold/folded-stream.ts';

type TimelineOptions = {
  id: string;
  /** The sequence of the request that accepted the invocation. */
  requestSequence: number;
  entries: readonly FullLogEntry[];
};

/** Every fact of an invocation, with the state after it. */
export function timelineOf({ id, requestSequence, entries }: TimelineOptions): AnswerOf<'timeline'>['transitions'] {
  let snapshot = invocationFolder.initial;
  const uncounted = uncountedIn({ requestSequence, entries });
  return entries.flatMap((entry) =>
    factsOf(entry, { id, requestSequence }).map((fact) => {
      const next = uncounted.has(entry.sequence) ? undefined : invocationFolder.step(snapshot, fact)?.snapshot;
      snapshot = next ?? snapshot;
      const by = entry.kind === 'append' ? entry.append.by : 'client';
      const state = snapshot.value === 'initial' ? 'queued' : snapshot.value;
      return { sequence: entry.sequence, by, refused: next === undefined, fact, state, status: statusOf(snapshot) };
    }),
  );
}

/** The facts of an invocation in an append, or in the request that accepted it: other requests of its id started nothing. */
function factsOf(entry: FullLogEntry, { id, requestSequence }: Pick<TimelineOptions, 'id' | 'requestSequence'>): readonly Fact[] {
  const isOwn = ({ invocation }: Fact): boolean => invocation === id;
  if (entry.kind === 'append') return entry.append.facts.filter(isOwn);
  if (entry.kind !== 'request' || entry.sequence !== requestSequence) return [];
  return entry.message.requests.map(({ fact }) => fact).filter(isOwn);
}
