import type { Attempt, Waiter } from '#src/core/flow/ledger-entry.ts';
import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import { hasLimits as hasFlowLimits, limitsOf, type PoolId, poolOf } from '#src/core/functions/flow.ts';
import { agingOf, rankOf } from '#src/core/functions/priority.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import type { SchedulerOptions } from '#src/scheduler/ports.ts';
import type { WaitingAttempt } from '#src/scheduler/waits/waiting-key.ts';
import type { WaitingStreams } from '#src/scheduler/waits/waiting-streams.ts';

/** The limits of a function whose attempts wait for a pool; `undefined` when they wait for another pool, or for none. */
export function limitsIn(pool: PoolId, name: FunctionName, { flow }: Pick<FunctionDefinition, 'flow'>): Limits | undefined {
  return hasFlowLimits(flow) && poolOf(name, flow) === pool ? limitsOf(flow) : undefined;
}

/** The rank of an attempt; nothing in a flow without priorities. */
export function rankIn({ stream, wait }: WaitingAttempt, { flow = {} }: Pick<FunctionDefinition, 'flow'>): { rank?: number } {
  const aging = agingOf(flow);
  return aging === undefined ? {} : { rank: rankOf(stream.firstDueAt ?? 0, wait.priority, aging) };
}

export type Limits = ReturnType<typeof limitsOf>;

/** Queues of a key take turns when their functions have the same text. No id of a queue equals a text, because names have no spaces. */
export function sharedTextOf({ perKey, total, rate }: Limits): string {
  return `limits ${perKey}/${total}/${rate}`;
}

type PresentLimits = { waiting: Pick<WaitingStreams, 'find'>; functions: SchedulerOptions['functions'] };

/**
 * The waiters that get the present limits of their functions, and those that are none any more: a paused function starts nothing, so its
 * attempts must not get slots that other functions of the pool need, and a function whose flow was removed or moved needs none here.
 */
export function changesOf(pool: PoolId, waiters: readonly Waiter[], known: PresentLimits): { changed: Waiter[]; withdrawals: Waiter[] } {
  const changed: Waiter[] = [];
  const withdrawals: Waiter[] = [];
  for (const waiter of waiters) {
    const present = presentOf(pool, waiter, known);
    if (present === 'none') withdrawals.push(waiter);
    else if (present !== 'unknown' && !hasPresentLimits(waiter, present)) changed.push({ ...withoutLimits(waiter), ...present });
  }
  return { changed, withdrawals };
}

type Ranked = Limits & { rank?: number };

/** The present limits of a waiter; `unknown` when this process does not know yet that it waits. */
function presentOf(pool: PoolId, waiter: Waiter, { waiting, functions }: PresentLimits): Ranked | 'none' | 'unknown' {
  const place = waiting.find(pool, waiter);
  const name = place?.stream.name.function;
  const definition = name === undefined ? undefined : functions.get(name)?.definition;
  if (place === undefined || name === undefined || definition === undefined) return 'unknown';
  const limits = definition.paused ? undefined : limitsIn(pool, name, definition);
  return limits === undefined ? 'none' : { ...limits, ...rankIn(place, definition) };
}

function hasPresentLimits(waiter: Waiter, { perKey, total, rate, fifo, rank }: Ranked): boolean {
  const isSame = waiter.perKey === perKey && waiter.total === total && waiter.rate === rate;
  return isSame && waiter.fifo === fifo && waiter.rank === rank;
}

function withoutLimits({ key, function: name, invocation, attempt, request }: Waiter): Attempt {
  return { key, function: name, invocation, attempt, request };
}
