import { messageOf } from '#src/core/errors.ts';
import type { HistoryCheck } from '#src/core/history-questions.ts';
import { type CheckOptions, checkAgainstLog } from './check.ts';
import { isDamage } from './damage.ts';

type CheckResult = Omit<HistoryCheck, 'instance'>;

/** Runs at most one check at a time, because a check reads the whole log. */
export class CurrentCheck {
  #running: Promise<CheckResult> | undefined;
  #ending = new AbortController();

  /** Returns the result of the check that runs already, if one does. */
  run(options: Omit<CheckOptions, 'signal'>): Promise<CheckResult> {
    this.#running ??= checkAgainstLog({ ...options, signal: this.#ending.signal })
      .catch((error: unknown) => damagedAt(options.until, error))
      .finally(() => {
        this.#running = undefined;
      });
    return this.#running;
  }

  /** Ends the check, which rejects with this reason. Resolves when no check runs. */
  async abandon(why: string): Promise<void> {
    this.#ending.abort(new Error(why));
    this.#ending = new AbortController();
    await this.#running?.catch(() => {});
  }
}

/** A damaged file cannot be compared, and is different. Throws any other error. */
function damagedAt(sequence: number, error: unknown): CheckResult {
  if (!isDamage(error)) throw error;
  return { sequence, isEqual: false, damage: messageOf(error), tables: [] };
}
