import type { Fact } from '#machines/facts.ts';
import { DEFAULT_PRIORITY } from '#src/core/functions/priority.ts';
import type { Rate } from '#src/core/functions/rate.ts';
import type { EventLog } from '#src/core/log/event-log.ts';
import { readUpTo } from '#src/core/log/read-up-to.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { parseJson } from '#src/core/text/json.ts';

/** The facts of the whole log in its order, each request with its payload. */
export type OrderedFact = { fact: Fact; payload?: string };

export async function readFacts(log: EventLog): Promise<OrderedFact[]> {
  const found: OrderedFact[] = [];
  const { followFully: follow, firstFrom } = log;
  await readUpTo({ follow, firstFrom }, { from: 1, to: await log.lastSequence(), clock: systemClock }, (entry) => {
    if (entry.kind === 'request') found.push(...entry.message.requests.map(({ fact, payload }) => ({ fact, payload })));
    if (entry.kind === 'append') found.push(...entry.append.facts.map((fact) => ({ fact })));
  });
  return found;
}

/** The times in which more attempts of a key started than its rate lets (RATE1). The key is `key` of the payload. */
export function findAboveRate(facts: readonly OrderedFact[], { limit, perInMs, burst }: Rate, clocksDifferByMs: number): string[] {
  const keys = new Map<string, string>();
  const starts = new Map<string, number[]>();
  for (const { fact, payload } of facts) {
    if (payload !== undefined) keys.set(fact.invocation, String((parseJson(payload) as { key?: string } | undefined)?.key));
    const key = keys.get(fact.invocation) ?? '';
    if (fact.type === 'running') starts.set(key, [...(starts.get(key) ?? []), fact.at]);
  }
  return [...starts].flatMap(([key, unsorted]) => {
    const times = unsorted.toSorted((one, other) => one - other);
    return times.flatMap((from, index) =>
      times.slice(index).flatMap((to, more) => {
        const most = burst + ((to - from + clocksDifferByMs) * limit) / perInMs;
        return more + 1 > most ? [`${more + 1} attempts of ${key} started in ${to - from} ms, and ${most} may`] : [];
      }),
    );
  });
}

/** The most attempts that run at one moment of the log. */
export function mostAtOnce(facts: readonly OrderedFact[]): number {
  const running = new Set<string>();
  let most = 0;
  for (const { fact } of facts) {
    if (fact.type === 'running') running.add(fact.invocation);
    if (fact.type === 'retrying' || fact.type === 'succeeded' || fact.type === 'failed') running.delete(fact.invocation);
    most = Math.max(most, running.size);
  }
  return most;
}

/**
 * The attempts that waited in the log while a less urgent one started (SLOT8), each with the first of these. An attempt may have a slot
 * already, and start late because its worker was killed or stood still.
 */
export function findPassedUrgent(facts: readonly OrderedFact[], agingInMs: number): string[] {
  const ranks = new Map<string, number>();
  const waiting = new Set<string>();
  const passed = new Map<string, string>();
  const rankOf = (id: string): number => ranks.get(id) ?? 0;
  for (const { fact } of facts) {
    const { invocation: id, at } = fact;
    if (fact.type === 'queued') ranks.set(id, at - (fact.priority ?? DEFAULT_PRIORITY) * agingInMs);
    if (fact.type === 'deferred') waiting.add(id);
    if (fact.type !== 'running') continue;
    waiting.delete(id);
    for (const other of waiting) if (rankOf(other) < rankOf(id) && !passed.has(other)) passed.set(other, id);
  }
  return [...passed].map(([id, by]) => `${by} started before ${id}`);
}
