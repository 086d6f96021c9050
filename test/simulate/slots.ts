import type { Fact } from '#machines/facts.ts';
import type { Flow } from '#src/core/functions/flow.ts';
import { parseJson } from '#src/core/text/json.ts';
import type { Life } from './life.ts';

/** The flows of the functions in worlds that have flows: keys with a total, two functions in one pool, and a single slot. */
export const flows: Readonly<Record<string, Flow>> = {
  orders: { concurrency: 2, key: '$.customer', total: 5 },
  billing: { concurrency: 3, pool: 'shared' },
  mails: { concurrency: 4, pool: 'shared' },
  singles: { concurrency: 1 },
};

/** The attempts that run by the log, counted without the ledger of slots, so that a broken ledger is found. */
export class RunningAttempts {
  isLimited = false;
  readonly #running = new Map<string, Map<string, string>>();

  /** What a fact breaks; `undefined` when every limit holds. */
  fold(fact: Fact, { key: id, name, payload }: Life): string | undefined {
    const flow = flows[name.function];
    if (flow === undefined || !this.isLimited || !('attempt' in fact)) return undefined;
    const pool = flow.pool ?? name.function;
    const running = this.#running.get(pool) ?? new Map<string, string>();
    this.#running.set(pool, running);
    if (fact.type !== 'running') return void running.delete(id);
    const key = flow.key === undefined ? '' : String((parseJson(payload) as { customer?: number } | undefined)?.customer ?? '');
    running.set(id, key);
    const isAlike = ([one, its]: [string, string]): boolean =>
      its === key && (flow.key !== undefined || one.startsWith(`${name.function}/`));
    const alike = [...running].filter(isAlike).length;
    if (alike <= flow.concurrency && running.size <= totalOf(flow)) return undefined;
    return `SLOT2: attempt ${fact.attempt} of ${id} is one of ${running.size} in ${pool}, and of ${alike} of its function and its key "${key}"`;
  }
}

/** A function with a lower limit may start beside attempts of its pool that came after it and have a higher limit. */
function totalOf({ key, total, pool, concurrency }: Flow): number {
  if (key !== undefined) return total ?? Number.POSITIVE_INFINITY;
  if (pool === undefined) return concurrency;
  return Math.max(...Object.values(flows).map((one) => (one.pool === pool ? one.concurrency : 0)));
}
