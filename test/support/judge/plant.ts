import type { Evidence, RawMessage } from '#src/judge/evidence.ts';
import { type Fact, hashOf, requestsIn } from '#src/judge/read-lives.ts';

type Append = { previous: number; request: number; facts: Fact[]; link?: string };

/** What is changed in a copy of the evidence. */
export type Plant = {
  /** Makes the function that replaces the facts of each append. An append without facts is left out. */
  facts?: () => (facts: readonly Fact[], fn: string) => Fact[];
  /** Replaces a message by others, before links are written. */
  message?: (message: RawMessage) => RawMessage[];
  /** Changes an append after its link was written. */
  append?: (append: Append, sequence: number) => Append;
  /** Changes the other evidence. */
  other?: (evidence: Evidence) => Partial<Evidence>;
};

/**
 * Plants a fault into a copy of the evidence. All appends are numbered and linked again, so that the log looks as if the product had written
 * it, and only the fault itself is wrong.
 */
export function plant(evidence: Evidence, { facts, message, append: changed, other }: Plant): Evidence {
  const messages = evidence.log.flatMap((one) => message?.(one) ?? [one]).map((one, index) => ({ ...one, sequence: index + 1 }));
  const moved = new Map(messages.map((one) => [keyOf(one), one.sequence]));
  const old = new Map(evidence.log.map((one) => [one.sequence, moved.get(keyOf(one))]));
  const heads = new Map(messages.flatMap((one) => requestsIn(one).map(({ sequence, hash }) => [sequence, hash] as const)));
  const edit = facts?.() ?? ((same: readonly Fact[]) => [...same]);
  const streams = new Map<string, { version: number; head: string }>();
  const log = messages.flatMap((one) => {
    if (!one.subject.startsWith('invocation.')) return [one];
    const written = JSON.parse(one.data) as Append;
    const request = old.get(written.request) ?? 0;
    const { version, head } = streams.get(one.subject) ?? { version: 0, head: heads.get(request) ?? '' };
    const kept = edit(written.facts, one.subject.split('.')[1] ?? '');
    if (kept.length === 0) return [];
    const linked = { ...written, request, previous: version, link: head, facts: kept };
    const data = JSON.stringify(changed?.(linked, one.sequence) ?? linked);
    streams.set(one.subject, { version: one.sequence, head: hashOf(data) });
    return [{ ...one, data }];
  });
  return { ...evidence, log, ...other?.(evidence) };
}

/** Identifies a message whatever its sequence is. */
function keyOf({ subject, at, data }: RawMessage): string {
  return `${subject} ${at} ${data}`;
}
