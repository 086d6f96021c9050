import type { Fact } from '#machines/facts.ts';

/** Without a new fact of its function for so long, an open invocation stands still. A busy machine is slower than this. */
const STANDS_AFTER_MS = 20_000;
const RECENTLY_MS = 10_000;

/**
 * Says where open invocations stand, by function: what they wait for, how many of the function started lately, and whether the function stands
 * still. A function that starts invocations lacks only time: its slots pass on as slowly as the machine is.
 */
export function describeStragglers(open: readonly string[], facts: ReadonlyMap<string, readonly Fact[]>): string[] {
  const functions = new Map<string, { newestAt: number; starts: number[] }>();
  const functionOf = new Map<string, string>();
  for (const [id, life] of facts) {
    const [first] = life;
    const name = first?.type === 'queued' ? first.function : '';
    functionOf.set(id, name);
    const known = functions.get(name) ?? { newestAt: 0, starts: [] };
    functions.set(name, known);
    for (const { type, at } of life) {
      known.newestAt = Math.max(known.newestAt, at);
      if (type === 'running') known.starts.push(at);
    }
  }
  const now = Math.max(0, ...[...functions.values()].map(({ newestAt }) => newestAt));
  const waiting = new Map<string, Map<string, number>>();
  for (const id of open) {
    const name = functionOf.get(id) ?? 'a function that is not in the log';
    const counts = waiting.get(name) ?? new Map<string, number>();
    waiting.set(name, counts);
    const last = facts.get(id)?.at(-1);
    const where = last?.type === 'deferred' ? `deferred (${last.flow.pool})` : (last?.type ?? 'unknown');
    counts.set(where, (counts.get(where) ?? 0) + 1);
  }
  return [...waiting].map(([name, counts]) => {
    const { newestAt = 0, starts = [] } = functions.get(name) ?? {};
    const recent = starts.filter((at) => at > now - RECENTLY_MS).length;
    const verdict = now - newestAt > STANDS_AFTER_MS ? `STANDS STILL for ${now - newestAt} ms` : 'goes on';
    const where = [...counts].map(([state, count]) => `${count} ${state}`).join(', ');
    return `${name} ${verdict}: ${where}; ${recent} started in the last ${RECENTLY_MS / 1_000} s`;
  });
}
