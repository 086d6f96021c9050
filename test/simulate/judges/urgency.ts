import type { Fact } from '#machines/facts.ts';
import type { Flow } from '#src/core/functions/flow.ts';
import { parseDuration } from '#src/core/text/parse-duration.ts';
import type { Life } from './life.ts';
import { keyIn } from './order.ts';

/** The scheduler has read a wait within this time, when nothing fails. */
const READ_WITHIN_MS = 2_000;
/** An attempt that got a slot starts within this time: of two that get slots in one write, either may start first. */
const STARTS_WITHIN_MS = 1_000;

/** Since when an invocation waits, and which one started before it that has a higher rank. */
type Waiting = { since: number; passed?: { by: string; at: number } };

/** Judges by the log that the most urgent of those that wait for a slot starts first (SLOT8). The rank is computed here again. */
export class StartUrgency {
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
