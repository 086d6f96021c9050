import type { Fact } from '#machines/facts.ts';
import { type Flow, fifoOf } from '#src/core/functions/flow.ts';
import { rateOf } from '#src/core/functions/rate.ts';
import type { Execution } from '#src/core/ports/function-host.ts';
import { parseDuration } from '#src/core/text/parse-duration.ts';
import type { Crowd } from '#test/simulate/load/crowds.ts';
import type { Plan } from '#test/simulate/plan.ts';
import { JudgedBatches } from './batches.ts';
import { Groups } from './groups.ts';
import type { Life } from './life.ts';
import { keyIn, StartOrder } from './order.ts';
import { StartRates } from './start-rates.ts';

export type Flows = Readonly<Record<string, Flow>>;

/** Keys with a total, a pool of functions with and without keys, a single slot with a rate, and a rate of each key. */
const unordered: Flows = {
  orders: { concurrency: 1, key: '$.customer', total: 2 },
  billing: { concurrency: 3, pool: 'shared' },
  mails: { concurrency: 2, key: '$.customer', total: 4, pool: 'shared' },
  circles: { key: '$.customer', rate: { limit: 2, per: '1s', burst: 4 } },
  singles: { concurrency: 1, rate: { limit: 4, per: '1s', burst: 2 } },
};

/** The same, and the requests of a key start in their order. */
const ordered: Flows = {
  ...unordered,
  orders: { concurrency: 1, key: '$.customer', total: 2, order: 'fifo' },
  mails: { concurrency: 1, key: '$.customer', total: 4, pool: 'shared', order: 'fifo', onRetry: 'pass' },
};

/** Some of them, and requests that run in groups. */
const debounced: Flows = {
  ...unordered,
  orders: { key: '$.customer', debounce: { wait: '2s', maxWait: '6s', keep: 'all' } },
  billing: { concurrency: 1, debounce: { wait: '1s', keep: 'all' } },
  circles: { key: '$.customer', debounce: { wait: '500ms', maxWait: '700ms', keep: 'last' } },
  // Shorter than a slow call, so that a group closes while a worker records that a request waits for it.
  singles: { concurrency: 1, debounce: { wait: '100ms', keep: 'all' } },
};

/** The same, and the most urgent request that waits starts first. */
const prioritized: Flows = {
  orders: { concurrency: 1, key: '$.customer', total: 2, order: 'priority', aging: '1s' },
  billing: { concurrency: 3, pool: 'shared' },
  mails: { concurrency: 2, key: '$.customer', total: 4, pool: 'shared', order: 'priority' },
  circles: { key: '$.customer', rate: { limit: 2, per: '1s', burst: 4 }, order: 'priority', aging: '3s' },
  singles: { concurrency: 1, order: 'priority', aging: '1s' },
};

type Chosen = Partial<Pick<Plan, 'hasFlows' | 'hasOrder' | 'hasPriorities' | 'hasDebounce'>>;

/** The flows of the functions of a world. */
export function flowsOf({ crowd, ...plan }: Chosen & { crowd: Crowd | undefined }): Flows {
  return crowd?.flows ?? mixedFlows(plan);
}

function mixedFlows({ hasFlows = false, hasOrder = false, hasPriorities = false, hasDebounce = false }: Chosen): Flows {
  if (!hasFlows) return {};
  if (hasDebounce) return debounced;
  if (hasPriorities) return prioritized;
  return hasOrder ? ordered : unordered;
}

/** Without a fault, a slot or a token for which an invocation waits in the log is given within this time. */
const GIVEN_WITHIN_MS = 2_000;

/** The attempts that run by the log, counted without the ledger of slots, so that a broken ledger is found. */
export class RunningAttempts {
  flows: Flows = {};
  /** The log lost messages, so that it does not show what was decided by it. */
  hasCuts = false;
  /** Nothing fails, so a slot is soon given to those that wait for its key. */
  isCalm = false;
  readonly #running = new Map<string, Map<string, string>>();
  readonly #waits = new Map<string, KeyWaits>();
  readonly #rates: StartRates;
  readonly #order = new StartOrder();
  readonly #urgency = new StartUrgency();
  readonly #groups = new Groups();
  readonly #overlaps = new Overlaps();
  readonly #batches = new JudgedBatches();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
    this.#rates = new StartRates(now);
  }

  /** What a request breaks that was accepted. */
  note(life: Life): string | undefined {
    this.#batches.note(life);
    this.#order.note(life, this.flows[life.name.function]);
    this.#groups.note(life, this.flows[life.name.function]);
    return life.schedule === undefined || this.hasCuts ? undefined : this.#overlaps.note(life, life.schedule);
  }

  /** What a fact at a sequence of the log breaks; `undefined` when every limit holds. */
  fold(fact: Fact, life: Life, sequence: number): string | undefined {
    const unsealed = this.hasCuts ? undefined : this.#batches.fold(fact, life, sequence);
    if (unsealed !== undefined) return unsealed;
    this.#overlaps.fold(fact, life);
    const passed = this.hasCuts ? undefined : this.#order.judge(fact, life, this.flows[life.name.function]);
    const ungrouped = this.#groups.fold(fact, life, this.flows[life.name.function]);
    const exceeded = (this.hasCuts ? undefined : ungrouped) ?? this.#foldStart(fact, life) ?? this.#foldAttempt(fact, life);
    const given = { flow: this.flows[life.name.function], now: this.#now() };
    return passed ?? exceeded ?? (this.isCalm ? (this.#foldWait(fact, life) ?? this.#urgency.judge(fact, life, given)) : undefined);
  }

  /** What an execution breaks. */
  execute(execution: Execution, life: Life): string | undefined {
    return this.hasCuts ? undefined : this.#groups.execute(execution, life);
  }

  #foldStart(fact: Fact, { name, payload }: Life): string | undefined {
    const flow = this.flows[name.function];
    if (flow?.rate === undefined) return undefined;
    const known = { rate: rateOf(flow.rate), isCalm: this.isCalm, isAlone: flow.concurrency === undefined };
    return this.#rates.fold(`${name.function}/${keyIn(flow, payload)}`, fact, known);
  }

  /** Pools are left out, because attempts of other functions hold their slots too. */
  #foldWait(fact: Fact, { key: id, name, payload }: Life): string | undefined {
    const flow = this.flows[name.function];
    // A request also waits for a token, or for its group.
    if (flow?.concurrency === undefined || flow.pool !== undefined || flow.rate !== undefined || flow.debounce !== undefined)
      return undefined;
    const key = keyIn(flow, payload);
    const waits = this.#waits.get(`${name.function}/${key}`) ?? { waiting: new Set(), freeSince: undefined };
    this.#waits.set(`${name.function}/${key}`, waits);
    const waited = waits.freeSince === undefined ? 0 : this.#now() - waits.freeSince;
    if (fact.type === 'deferred') waits.waiting.add(id);
    else waits.waiting.delete(id);
    this.#noteFreeKeys(name.function, flow);
    return waited <= GIVEN_WITHIN_MS ? undefined : `SLOT6: a slot of the key "${key}" was free for ${waited} ms, and ${id} waited for it`;
  }

  #noteFreeKeys(name: string, { concurrency = Number.POSITIVE_INFINITY, ...flow }: Flow): void {
    const running = [...(this.#running.get(name)?.values() ?? [])];
    for (const [one, waits] of this.#waits) {
      if (!one.startsWith(`${name}/`)) continue;
      const isFull = running.filter((key) => one === `${name}/${key}`).length >= concurrency || running.length >= this.#totalOf(flow);
      waits.freeSince = isFull || waits.waiting.size === 0 ? undefined : (waits.freeSince ?? this.#now());
    }
  }

  #foldAttempt(fact: Fact, { key: id, name, payload }: Life): string | undefined {
    const flow = this.flows[name.function];
    if (flow?.concurrency === undefined || !('attempt' in fact)) return undefined;
    const pool = flow.pool ?? name.function;
    const running = this.#running.get(pool) ?? new Map<string, string>();
    this.#running.set(pool, running);
    if (fact.type === 'retrying' && fifoOf(flow) === 'hold') return undefined;
    if (fact.type !== 'running') return void running.delete(id);
    const key = keyIn(flow, payload);
    running.set(id, key);
    const isAlike = ([one, its]: [string, string]): boolean =>
      its === key && (flow.key !== undefined || one.startsWith(`${name.function}/`));
    const alike = [...running].filter(isAlike).length;
    if (alike <= this.#perKeyOf(flow) && running.size <= this.#totalOf(flow)) return undefined;
    return `SLOT2: attempt ${fact.attempt} of ${id} is one of ${running.size} in ${pool}, and of ${alike} of its function and its key "${key}"`;
  }

  #perKeyOf({ pool, concurrency = 0 }: Flow): number {
    const keyed = Object.values(this.flows).filter((one) => pool !== undefined && one.pool === pool && one.key !== undefined);
    return Math.max(concurrency, ...keyed.map((one) => one.concurrency ?? 0));
  }

  /** A function with a lower limit may start beside attempts of its pool that came after it and have a higher limit. */
  #totalOf(flow: Flow): number {
    if (flow.pool === undefined) return ownTotalOf(flow);
    return Math.max(...Object.values(this.flows).map((one) => (one.pool === flow.pool ? ownTotalOf(one) : 0)));
  }
}

/** The invocations that wait in the log for a key, and since when a slot of the key is free for them. */
type KeyWaits = { waiting: Set<string>; freeSince: number | undefined };

function ownTotalOf({ key, total, concurrency }: Flow): number {
  return (key === undefined ? concurrency : total) ?? Number.POSITIVE_INFINITY;
}

/** Judges by the log that a schedule requests nothing while the invocation of its fire time before has no outcome (CRON6). */
class Overlaps {
  /** The invocations of each schedule that have no outcome. */
  readonly #open = new Map<string, Set<Life>>();
  readonly #scheduleOf = new Map<Life, string>();

  /** What a request of a schedule breaks. */
  note(life: Life, schedule: string): string | undefined {
    const open = this.#open.get(schedule) ?? new Set<Life>();
    const [other] = open;
    this.#open.set(schedule, open.add(life));
    this.#scheduleOf.set(life, schedule);
    return other === undefined ? undefined : `CRON6: the schedule "${schedule}" requested ${life.id} while ${other.id} has no outcome`;
  }

  fold({ type }: Fact, life: Life): void {
    const schedule = this.#scheduleOf.get(life);
    if (schedule !== undefined && (type === 'succeeded' || type === 'failed')) this.#open.get(schedule)?.delete(life);
  }
}

/** The scheduler has read a wait within this time, when nothing fails. */
const READ_WITHIN_MS = 2_000;
/** An attempt that got a slot starts within this time: of two that get slots in one write, either may start first. */
const STARTS_WITHIN_MS = 1_000;

/** Since when an invocation waits, and which one started before it that has a higher rank. */
type Waiting = { since: number; passed?: { by: string; at: number } };

/** Judges by the log that the most urgent of those that wait for a slot starts first (SLOT8). The rank is computed here again. */
class StartUrgency {
  readonly #waiting = new Map<string, Map<Life, Waiting>>();

  /** What the start of an attempt breaks; `undefined` when none with a lower rank waits for the same slot. */
  judge(fact: Fact, life: Life, { flow, now }: { flow: Flow | undefined; now: number }): string | undefined {
    if (flow?.order !== 'priority') return undefined;
    const id = `${flow.pool ?? life.name.function}/${keyIn(flow, life.payload)}`;
    const waiting = this.#waiting.get(id) ?? new Map<Life, Waiting>();
    this.#waiting.set(id, waiting);
    if (fact.type === 'deferred') return void waiting.set(life, { since: now });
    const { since = now, passed } = waiting.get(life) ?? {};
    waiting.delete(life);
    if (passed !== undefined && passed.at + STARTS_WITHIN_MS < now)
      return `SLOT8: ${life.id} has a lower rank than ${passed.by}, which started ${now - passed.at} ms before it, and it had waited for ${passed.at - since} ms`;
    if (fact.type !== 'running') return undefined;
    const agingInMs = parseDuration(flow.aging ?? '1m') ?? 0;
    const rankOf = ({ priority, acceptedAt, dueAt }: Life): number => Math.max(acceptedAt, dueAt) - priority * agingInMs;
    for (const [other, known] of waiting) {
      if (known.since + READ_WITHIN_MS < now && rankOf(other) < rankOf(life)) known.passed ??= { by: life.id, at: now };
    }
    return undefined;
  }
}
