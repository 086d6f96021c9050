import type { Expected } from './evidence.ts';
import { isOutcome, keyIn, type Life, type Request, type Say } from './read-lives.ts';

/* How many attempts of a key, of a function and of a pool run at one time: by the log, and by what the functions wrote down. */

/** A number of attempts that run at one time, and what they have in common. */
export type Limit = { group: string; most: number };

/** Finds the limits that a request counts for. */
export function limitsIn(expected: Readonly<Record<string, Expected>>): (request: Request) => readonly Limit[] {
  const ofPools = new Map<string, number>();
  // Each function of a pool compares its own limit with all attempts of the pool, so the pool may have as many as the greatest limit.
  for (const { pool, limit = Number.POSITIVE_INFINITY, total = limit } of Object.values(expected))
    if (pool !== undefined) ofPools.set(pool, Math.max(ofPools.get(pool) ?? 0, total));
  return (request) => {
    const rules = expected[request.fn] ?? {};
    const { limit, total, pool } = rules;
    const limits = [
      { group: `${request.fn} ${keyIn(request, rules)}`.trim(), most: limit },
      { group: `all keys of ${request.fn}`, most: total },
      { group: `the pool ${pool}`, most: ofPools.get(pool ?? '') },
    ];
    return limits.filter((one): one is Limit => one.most !== undefined);
  };
}

/** Counts what runs at one time. Ends and starts come in their order, so that no clock is compared. */
export class Running {
  readonly #limits = new Map<string, readonly Limit[]>();
  readonly #counts = new Map<string, number>();

  /** Returns the limits that the start exceeds, each with what runs now. */
  start(name: string, limits: readonly Limit[]): readonly (Limit & { count: number })[] {
    this.end(name);
    this.#limits.set(name, limits);
    return limits.map((limit) => ({ ...limit, count: this.#add(limit, 1) })).filter(({ count, most }) => count > most);
  }

  /** Does nothing for what does not run. */
  end(name: string): void {
    for (const limit of this.#limits.get(name) ?? []) this.#add(limit, -1);
    this.#limits.delete(name);
  }

  #add({ group }: Limit, change: 1 | -1): number {
    const count = (this.#counts.get(group) ?? 0) + change;
    this.#counts.set(group, count);
    return count;
  }
}

/** Not more attempts run by the log at one time than the limits (SLOT2, SLOT3): one whose worker died runs until the log says that it is lost. */
export function judgeRunning(lives: readonly Life[], expected: Readonly<Record<string, Expected>>, say: Say): void {
  const limitsOf = limitsIn(expected);
  const facts = lives.flatMap(({ request, facts: own }) => {
    const limits = limitsOf(request);
    return limits.length === 0 ? [] : own.map((fact) => ({ fact, request, limits }));
  });
  const running = new Running();
  for (const { fact, request, limits } of facts.sort((one, other) => one.fact.sequence - other.fact.sequence)) {
    const name = `${request.fn} ${request.id}`;
    if (fact.type === 'retrying' || isOutcome(fact)) running.end(name);
    if (fact.type !== 'running') continue;
    for (const { group, count, most } of running.start(name, limits))
      say('SLOT2', `${request.id} started as one of ${count} of ${group}, and the limit is ${most}`);
  }
}
