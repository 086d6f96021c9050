import { debounceOf } from '#src/core/functions/debounce.ts';
import type { Flow } from '#src/core/functions/flow.ts';
import { rateOf } from '#src/core/functions/rate.ts';
import { isCalm, type Plan } from '#test/simulate/plan.ts';
import { START } from '#test/simulate/world/engine.ts';
import type { Ledger } from './ledger.ts';
import type { Life } from './life.ts';
import { keyIn } from './order.ts';

/** What a world may take of the time that its limits allow. */
const SLOWER = 3;
/** A chain of functions has so many invocations one after another, at most. */
const LONGEST_CHAIN = 4;
/** Processes start, and followers catch up. */
const STARTS_WITHIN_MS = 2_000;

/**
 * Judges a world by its rate: when nothing fails, the last outcome comes within three times the time that the delays, the retries, the
 * executions and the limits of the flows need one after another.
 */
export function judgeRate(plan: Plan, ledger: Ledger): void {
  if (!isCalm(plan)) return;
  const lives = [...ledger.lives.values()];
  const lastRequestAt = Math.max(START, ...lives.filter(({ parent }) => parent === undefined).map(({ acceptedAt }) => acceptedAt));
  const longest = Math.max(0, ...lives.map((life) => waitOf(life) + workOf(life)));
  const needed = lastRequestAt - START + LONGEST_CHAIN * longest + timeOfLimits(lives, ledger.running.flows);
  const took = Math.max(START, ...lives.flatMap(({ outcomes }) => outcomes.map(({ at }) => at))) - START;
  if (took > SLOWER * needed + STARTS_WITHIN_MS)
    ledger.problem(`E4: the last outcome came after ${took} ms, and the limits of the world need ${Math.round(needed)} ms`);
}

/** How long the invocation waits whatever runs. */
function waitOf({ acceptedAt, dueAt, retries }: Life): number {
  return Math.max(0, dueAt - acceptedAt) + retries.reduce((sum, retry) => sum + Math.max(0, retry.dueAt - retry.at), 0);
}

function workOf({ executions }: Life): number {
  return [...executions.values()].reduce((sum, { tookInMs = 0 }) => sum + tookInMs, 0);
}

/** The time that the executions need in the limits of their functions, one function after another. */
function timeOfLimits(lives: readonly Life[], flows: Readonly<Record<string, Flow>>): number {
  const queues = new Map<string, { flow: Flow | undefined; workInMs: number; starts: number }>();
  for (const life of lives) {
    const flow = flows[life.name.function];
    const id = `${life.name.function}/${flow === undefined ? '' : keyIn(flow, life.payload)}`;
    const queue = queues.get(id) ?? { flow, workInMs: 0, starts: 0 };
    queue.workInMs += workOf(life);
    queue.starts += life.attempts.size;
    queues.set(id, queue);
  }
  return [...queues.values()].reduce((sum, { flow, workInMs, starts }) => {
    const interval = flow?.rate === undefined ? 0 : rateOf(flow.rate).perInMs / rateOf(flow.rate).limit;
    const debounce = flow?.debounce === undefined ? 0 : debounceOf(flow.debounce).maxWaitInMs;
    return sum + workInMs / (flow?.concurrency ?? 1) + starts * interval + debounce;
  }, 0);
}
