import type { Fact } from '#machines/facts.ts';
import type { Life } from './life.ts';

/** Judges by the log that a schedule requests nothing while the invocation of its fire time before has no outcome (CRON6). */
export class Overlaps {
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
