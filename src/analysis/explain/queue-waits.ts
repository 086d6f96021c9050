import { isoTime } from '#src/analysis/phrases.ts';
import { say } from '#src/analysis/say.ts';
import type { RegisteredFunction } from '#src/core/functions/definition.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';

/*
 * Why something waits, and why the queue of a function makes no progress. This file loads no machine, because the help of the command line
 * and readers of functions need none.
 */

/** The reasons of a wait, each with the words of a bar of a timeline. */
export const waitKinds = {
  paused: 'the function is paused',
  'no-function': 'the function does not exist',
  'no-worker': 'no worker takes its work',
  'all-busy': 'all slots are taken',
  'worker-full': 'waiting for its turn among the functions of a worker',
  'flow-full': 'waiting for a slot over all workers',
  'key-full': 'waiting for a slot of its key',
  'rate-used': 'waiting for its rate',
  debounced: 'waiting for further requests of its key',
  turn: 'waiting for its turn in the order of its key',
  starting: 'waiting for a worker with a free slot',
  delayed: 'waiting until the request is due',
  'due-later': 'waiting until the next attempt is due',
  'platform-failing': 'the platform cannot run it',
  overdue: 'the next attempt is overdue',
  delivery: 'waiting for a delivery',
} as const;
export type WaitKind = keyof typeof waitKinds;

/** Why something waits now, in a sentence. Without `remedy` the wait ends by itself. */
export type Wait = { kind: WaitKind; text: string; remedy?: string; rule?: string };

/** The slots over all workers that an attempt of a function needs. */
export type FlowSlots = {
  /** The name of the pool, as `sequent flow ls` takes it. */
  pool: string;
  /** The key of the attempt; absent when the flow has none, or when nothing says it yet. */
  key?: string;
  /** The attempts that run now, of the key or else of the pool, and how many may; `limit` is absent when the flow was removed. */
  running: number;
  limit: number | undefined;
  /** The same for all keys together, where that has a limit. */
  total?: { running: number; limit: number };
  /** The rate of the flow, and when the next attempt of the key can start. */
  rate?: { limit: number; perInMs: number; nextAt: number };
  /** The invocations that wait for the same key, and were requested before; `undefined` when it is unknown. */
  before?: number | undefined;
  /** Of a flow with priorities: how many of those before it have a higher priority. */
  urgent?: number | undefined;
  /** Of a debounced invocation: how many of its function wait with its key; absent when it is unknown. */
  grouped?: number;
  /** When their group ends when no further request comes. */
  groupEndsAt?: number;
  /** Of a flow in the order of the log: the invocation that has the key now, and when it is retried. */
  turn?: { first?: string; dueAt?: number } | undefined;
};

/** The present state of a function and of the roles that run it. */
export type Surroundings = {
  /** The function as its callers name it. */
  name: string;
  /** The definition; `undefined` when the function does not exist. */
  definition: Pick<RegisteredFunction['definition'], 'paused' | 'concurrency' | 'handler' | 'flow'> | undefined;
  /** The slots of its flow; `undefined` for a function without one, and when they are unknown. */
  slots?: FlowSlots | undefined;
  /** The queue of the function; `undefined` before its first worker. `waiting` are the open requests for messages. */
  queue: { pending: number; unacknowledged: number; waiting: number } | undefined;
  /** The running processes with the role worker that take work; `undefined` when it is unknown. */
  workers: number | undefined;
  /** The slots of these workers that are held, and all of them; `undefined` when it is unknown. */
  load?: { held: number; slots: number } | undefined;
  /** The roles that run in any process. A role of which it is unknown whether it runs counts as one that runs (A1). */
  roles: readonly string[];
};

/** Why no request of the function starts at `now`; `undefined` while its rate allows an attempt and a worker requests its work. */
export function whyNoneStarts(around: Omit<Surroundings, 'roles'>, now: number): Wait | undefined {
  return whyRateHolds(around, now) ?? whyQueueWaits(around);
}

/** Why no attempt of the function starts, whatever its rate; `undefined` while a worker requests its work. */
export function whyQueueWaits({ name, definition, slots, queue, workers, load }: Omit<Surroundings, 'roles'>): Wait | undefined {
  if (definition === undefined) {
    return { kind: 'no-function', text: say('there is no function {name}', { name }), remedy: `sequent fn put ${name} --file <file>` };
  }
  const { paused, handler } = definition;
  if (paused) return { kind: 'paused', text: say('{name} is paused and starts no attempt', { name }), remedy: `sequent fn resume ${name}` };
  const full = slots === undefined ? undefined : whyFull(slots);
  if (full !== undefined) return full;
  const { waiting: pulls, unacknowledged: atWork } = queue ?? { waiting: 0, unacknowledged: 0 };
  if (pulls > 0) return undefined;
  if (workers !== 0 && atWork > 0) return whyBusy({ name, definition, workers, load, atWork });
  const remedy =
    handler.kind === 'inline' ? say('start your own worker: startWorker() of sequent-functions/client') : 'sequent serve --role worker';
  return { kind: 'no-worker', text: workers === 0 ? say('no worker runs') : say('no running worker executes {name}', { name }), remedy };
}

type Busy = Pick<Surroundings, 'name' | 'workers' | 'load'> & { definition: NonNullable<Surroundings['definition']>; atWork: number };

/** Why a function whose requests are in progress requests no further one. */
function whyBusy({ name, definition, workers = 1, load, atWork }: Busy): Wait {
  const { concurrency } = definition;
  if (definition.flow?.key !== undefined) {
    const text = say('its workers hold {count} requests, which run or wait for slots of their keys', { count: atWork });
    return { kind: 'flow-full', text, remedy: `sequent flow ls ${name}` };
  }
  if (load !== undefined && load.slots > 0 && load.held >= load.slots && atWork < concurrency * workers) {
    const text = say('all {slots} slots of the workers are taken, and the functions of the projects get them in turn', {
      slots: load.slots,
    });
    return { kind: 'worker-full', text, remedy: say('more workers, or more slots of each worker (sequent serve --worker-slots)') };
  }
  return {
    kind: 'all-busy',
    // A worker takes requests before it has a slot for them, so that more are delivered than run.
    text: say(
      'all slots of its workers are taken: they hold {count} requests, and each worker runs at most {concurrency} at the same time',
      {
        count: atWork,
        concurrency,
      },
    ),
    remedy: say('more workers, or a higher concurrency of {name} (sequent fn put, --concurrency)', { name }),
  };
}

/** Why the rate of a function without keys lets no attempt start at `now`; `undefined` when it does. */
function whyRateHolds({ definition, slots }: Pick<Surroundings, 'definition' | 'slots'>, now: number): Wait | undefined {
  const { key, rate } = slots ?? {};
  if (definition?.paused !== false || slots === undefined || rate === undefined || key !== undefined) return undefined;
  return rate.nextAt <= now || isFull(slots) ? undefined : whyRateWaits({ ...slots, rate });
}

/** Why no slot of a flow is free; `undefined` when one is. */
function whyFull(slots: FlowSlots): Wait | undefined {
  const { pool, key, running, limit, total } = slots;
  const isTotalFull = total !== undefined && total.running >= total.limit;
  if (limit === undefined || (running < limit && !isTotalFull)) return undefined;
  if (key !== undefined) return whyKeyWaits(slots);
  return {
    kind: 'flow-full',
    text: say('{running} of {limit} run over all workers', { running, limit }),
    remedy: `sequent flow ls ${pool}`,
  };
}

/** What holds an attempt that waits for a slot of its key or for its rate, as the end of a sentence. */
export function whyKeyWaits(slots: FlowSlots): Wait {
  const { pool, key = '', running, limit, total, rate } = slots;
  if (rate !== undefined && !isFull(slots)) return whyRateWaits({ ...slots, rate });
  if (slots.turn !== undefined && !isNextOfFull(slots)) return whyTurn(slots, slots.turn);
  const full =
    total !== undefined && total.running >= total.limit
      ? say('{running} of {limit} run for all keys together', total)
      : limit === undefined
        ? say('{running} run for the key "{key}", and the flow was removed', { running, key })
        : key === ''
          ? say('{running} of {limit} run over all workers', { running, limit })
          : say('{running} of {limit} run for the key "{key}"', { running, limit, key });
  return { kind: 'key-full', text: withBefore(full, slots), remedy: `sequent flow ls ${pool}` };
}

function whyRateWaits(slots: FlowSlots & Required<Pick<FlowSlots, 'rate'>>): Wait {
  const { pool, key = '', rate } = slots;
  const { limit, perInMs, nextAt } = rate;
  const values = { limit, per: formatDuration(perInMs), key, time: isoTime(nextAt) };
  const used =
    key === ''
      ? say('{limit} start in {per} over all workers, the next one at {time}', values)
      : say('{limit} start in {per} for the key "{key}", the next one at {time}', values);
  return { kind: 'rate-used', text: withBefore(used, slots), remedy: `sequent flow ls ${pool}` };
}

function isFull({ running, limit, total }: FlowSlots): boolean {
  return (limit !== undefined && running >= limit) || (total !== undefined && total.running >= total.limit);
}

function withBefore(full: string, { before, urgent = 0 }: Pick<FlowSlots, 'before' | 'urgent'>): string {
  if (before === undefined) return full;
  if (urgent === 1 && before === 1) return say('{full}; 1 with a higher priority is before it', { full });
  if (urgent > 0 && urgent === before) return say('{full}; {count} with a higher priority are before it', { full, count: before });
  if (urgent > 0) return say('{full}; {count} are before it, {urgent} of them with a higher priority', { full, count: before, urgent });
  return before === 1 ? say('{full}; 1 is before it', { full }) : say('{full}; {count} are before it', { full, count: before });
}

/** Whether it is the turn of an attempt, and attempts of other keys have all slots. */
function isNextOfFull({ before = 0, turn, total }: FlowSlots): boolean {
  return before === 0 && turn?.first === undefined && total !== undefined && total.running >= total.limit;
}

/** The attempt that has its turn before another one (SLOT7). */
function whyTurn({ pool, key = '', before = 0 }: FlowSlots, { first, dueAt }: NonNullable<FlowSlots['turn']>): Wait {
  const wait = { kind: 'turn', rule: 'SLOT7', remedy: `sequent flow ls ${pool}` } as const;
  const count = before + (first === undefined ? 0 : 1);
  if (count === 0)
    return { ...wait, text: say('it is the next one of the key "{key}", and earlier requests are still in the queue', { key }) };
  const text =
    count === 1 ? say('1 of the key "{key}" is before it', { key }) : say('{count} of the key "{key}" are before it', { count, key });
  if (first === undefined) return { ...wait, text };
  if (dueAt === undefined) return { ...wait, text: say('{text}, the first one is {id}', { text, id: first }) };
  const time = new Date(dueAt).toISOString();
  return { ...wait, text: say('{text}, the first one is {id}, which retries at {time}', { text, id: first, time }) };
}
