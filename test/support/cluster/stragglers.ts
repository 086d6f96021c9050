import type { Fact } from '#machines/facts.ts';

/** Without a new fact of its function for so long, an open invocation stands still. A busy machine is slower than this. */
const STANDS_AFTER_MS = 20_000;
const RECENTLY_MS = 10_000;

/**
 * Says where open invocations stand, by function: what they wait for, how many of the function started lately, and whether the function stands
 * still. A function that starts invocations lacks only time: its slots pass on as slowly as the machine is.
 */
export function describeStragglers(open: readonly string[], facts: ReadonlyMap<string, readonly Fact[]>): string[] {
  const functions = new Map<string, Progress>();
  for (const life of facts.values()) noteProgress(functions, life);
  const now = Math.max(0, ...[...functions.values()].map(({ newestAt }) => newestAt));
  return [...groupBy(open, (id) => functionOf(facts.get(id)) || 'a function that is not in the log')].map(([name, ids]) => {
    const { newestAt = 0, starts = [] } = functions.get(name) ?? {};
    const recent = starts.filter((at) => at > now - RECENTLY_MS).length;
    const verdict = now - newestAt > STANDS_AFTER_MS ? `STANDS STILL for ${now - newestAt} ms` : 'goes on';
    const where = [...groupBy(ids, (id) => placeOf(facts.get(id)?.at(-1)))].map(([place, { length }]) => `${length} ${place}`);
    return `${name} ${verdict}: ${where.join(', ')}; ${recent} started in the last ${RECENTLY_MS / 1_000} s`;
  });
}

function groupBy(ids: readonly string[], keyOf: (id: string) => string): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const id of ids) groups.set(keyOf(id), [...(groups.get(keyOf(id)) ?? []), id]);
  return groups;
}

type Progress = { newestAt: number; starts: number[] };

function noteProgress(functions: Map<string, Progress>, life: readonly Fact[]): void {
  const name = functionOf(life);
  const known = functions.get(name) ?? { newestAt: 0, starts: [] };
  functions.set(name, known);
  for (const { type, at } of life) {
    known.newestAt = Math.max(known.newestAt, at);
    if (type === 'running') known.starts.push(at);
  }
}

function functionOf([first]: readonly Fact[] = []): string {
  return first?.type === 'queued' ? first.function : '';
}

function placeOf(last: Fact | undefined): string {
  return last?.type === 'deferred' ? `deferred (${last.flow.pool})` : (last?.type ?? 'unknown');
}
