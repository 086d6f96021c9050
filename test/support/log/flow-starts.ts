import type { Fact } from '#machines/facts.ts';
import { DEFAULT_PRIORITY } from '#src/core/functions/priority.ts';
import type { Rate } from '#src/core/functions/rate.ts';
import { parseJson } from '#src/core/json/json.ts';
import type { EventLog } from '#src/core/log/event-log.ts';
import { readUpTo } from '#src/core/log/read-up-to.ts';
import { systemClock } from '#src/core/ports/clock.ts';

/** The facts of the whole log in its order, each request with its payload. `storedAt`: when the server stored the message of the fact. */
export type OrderedFact = { fact: Fact; storedAt: number; payload?: string };

/**
 * How far the clocks of two processes that write the ledger of slots may differ on one machine. Each process derives the time of the log from
 * the clock of this machine, so the difference does not grow with the load.
 */
export const LEDGER_CLOCKS_DIFFER_BY_MS = 50;

export async function readFacts(log: EventLog): Promise<OrderedFact[]> {
  const found: OrderedFact[] = [];
  const { followFully: follow, firstFrom } = log;
  await readUpTo({ follow, firstFrom }, { from: 1, to: await log.lastSequence(), clock: systemClock }, (entry) => {
    if (entry.kind === 'request') found.push(...entry.message.requests.map(({ fact, payload }) => ({ fact, storedAt: entry.at, payload })));
    if (entry.kind === 'append') found.push(...entry.append.facts.map((fact) => ({ fact, storedAt: entry.at })));
  });
  return found;
}

/**
 * The times in which more attempts of a key started than its rate lets (RATE1). The key is `key` of the payload.
 *
 * A start has the time at which the server stored it. A token is given before that, and used after that, however long a worker stands still
 * in between. `clocksDifferByMs` covers only the clocks of the processes that write the ledger.
 */
export function findAboveRate(facts: readonly OrderedFact[], { limit, perInMs, burst }: Rate, clocksDifferByMs: number): string[] {
  const keys = new Map<string, string>();
  const starts = new Map<string, number[]>();
  for (const { fact, storedAt, payload } of facts) {
    if (payload !== undefined) keys.set(fact.invocation, String((parseJson(payload) as { key?: string } | undefined)?.key));
    const key = keys.get(fact.invocation) ?? '';
    if (fact.type === 'running') starts.set(key, [...(starts.get(key) ?? []), storedAt]);
  }
  return [...starts].flatMap(([key, times]) =>
    times.flatMap((from, index) =>
      times.slice(index).flatMap((to, more) => {
        const most = burst + ((to - from + clocksDifferByMs) * limit) / perInMs;
        return more + 1 > most ? [`${more + 1} attempts of ${key} started in ${to - from} ms, and ${most} may`] : [];
      }),
    ),
  );
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

/** A request that waited in the log while less urgent ones started: for how long after the first of these it did not start. */
export type Overtaken = { id: string; by: string; forMs: number };

/**
 * The attempts that waited in the log while a less urgent one started (SLOT8). An attempt may have a slot already, and start late because its
 * worker was killed or stood still. `forMs` is infinite for an attempt that never started.
 */
export function findOvertaken(facts: readonly OrderedFact[], agingInMs: number): Overtaken[] {
  const ranks = new Map<string, number>();
  const waiting = new Set<string>();
  const overtaken = new Map<string, { by: string; at: number }>();
  const found: Overtaken[] = [];
  const rankOf = (id: string): number => ranks.get(id) ?? 0;
  const note = (id: string, at: number): void => {
    const first = overtaken.get(id);
    if (first !== undefined) found.push({ id, by: first.by, forMs: at - first.at });
    overtaken.delete(id);
  };
  for (const { fact } of facts) {
    const { invocation: id, at } = fact;
    if (fact.type === 'queued') ranks.set(id, at - (fact.priority ?? DEFAULT_PRIORITY) * agingInMs);
    if (fact.type === 'deferred') waiting.add(id);
    if (fact.type !== 'running') continue;
    waiting.delete(id);
    note(id, at);
    for (const other of waiting) if (rankOf(other) < rankOf(id) && !overtaken.has(other)) overtaken.set(other, { by: id, at });
  }
  for (const id of [...overtaken.keys()]) note(id, Number.POSITIVE_INFINITY);
  return found;
}

/**
 * How long a more urgent request may wait while less urgent ones start: the formula of docs/flow.md. A process died with its slot or before its
 * `deferred`: the scheduler finds it after the patience and a second, or its message returns after the lease. The slot that it then gets may be
 * kept for a worker that is dead, for a second.
 */
export function longestOvertakingInMs({ patienceInMs, leaseInMs }: { patienceInMs: number; leaseInMs: number }): number {
  return Math.max(patienceInMs + 1_000, leaseInMs) + 1_000;
}
