import type { Fact } from '#machines/facts.ts';
import { type Flow, fifoOf } from '#src/core/functions/flow.ts';
import { parseJson } from '#src/core/json/json.ts';
import type { Life } from './life.ts';

/**
 * Judges the order in which attempts start by the log, without the scheduler, so that a broken scheduler is found (SLOT7).
 *
 * After a power cut the log shows no longer what a process has decided by it, so the order is judged in other worlds.
 */
export class StartOrder {
  readonly #byKey = new Map<string, Life[]>();

  /** What the start of an attempt breaks; `undefined` when every earlier request of its key is over, or was passed while it is retried. */
  judge(fact: Fact, life: Life, flow: Flow | undefined): string | undefined {
    const onRetry = flow === undefined ? undefined : fifoOf(flow);
    if (flow === undefined || onRetry === undefined || fact.type !== 'running') return undefined;
    const key = keyIn(flow, life.payload);
    // Its own record was noted with its request.
    const before = (this.#byKey.get(`${life.name.function}/${key}`) ?? []).filter((one) => one.place < life.place && one.dueAt === 0);
    const passed = before.find(({ outcomes, attempts }) => outcomes.length === 0 && (onRetry === 'hold' || attempts.size === 0));
    if (passed === undefined || life.dueAt > 0 || (onRetry === 'pass' && fact.attempt > 1)) return undefined;
    return `SLOT7: attempt ${fact.attempt} of ${life.id} started before ${passed.id}, which is an earlier request of the key "${key}"`;
  }

  /** A request was accepted. */
  note(life: Life, flow: Flow | undefined): void {
    if (flow?.order !== 'fifo') return;
    const id = `${life.name.function}/${keyIn(flow, life.payload)}`;
    const alike = this.#byKey.get(id) ?? [];
    this.#byKey.set(id, alike);
    alike.push(life);
  }
}

/** A function without keys may start beside attempts of the empty key, which count it when they get their slots. */
export function keyIn(flow: Flow, payload: string): string {
  return flow.key === undefined ? 'no key' : String((parseJson(payload) as { customer?: number } | undefined)?.customer ?? '');
}
