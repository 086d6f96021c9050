import { HistoryUnavailableError } from '#src/core/errors.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import type { ProjectQuota } from '#src/core/quotas/project-quota.ts';
import { QuotaExceededError, type SendingQuota } from '#src/core/quotas/quota-exceeded-error.ts';
import { AcceptRate, type Rate } from './accept-rate.ts';
import { OpenRequests } from './open-requests.ts';

/** Requests that passed the quotas. `settle` is called once, when they were accepted or refused. */
export interface Admitted {
  /** `repeated`: how many of them the log had accepted before. */
  settle(isAccepted: boolean, repeated?: number): void;
}

/** The requests of a project that this gateway refused, by the quota that was reached, and when the last one was. */
export type Refusals = { readonly counts: Readonly<Partial<Record<SendingQuota, number>>>; readonly at: number | undefined };

export type GuardedProjectOptions = {
  /** The name of the project. */
  name: string;
  /** The present quota. */
  quota: () => ProjectQuota;
  /** Whether a request is refused while nobody knows what the project uses (QUO5). */
  mustKnowUse: () => boolean;
  /** Holds the accept rate that all gateways share, under this key. */
  store: KeyValue;
  key: string;
  clock: Clock;
  /** The newest sequence that the log acknowledged to this gateway. */
  acknowledged: () => number;
  /** For how long no projection has said what the project uses, in milliseconds. */
  unknownForMs: () => number;
  signal: AbortSignal;
};

/** How long a request of a batch or of a bulk operation waits for its turn, by the quota that is reached. */
const WAITS_FOR_MS: Readonly<Record<string, number>> = { open: 2_000, rate: 30_000, storedBytes: 0 };
const LOOK_AGAIN_AFTER_MS = 50;
/** For how long the last known use counts, with the requests of this gateway since then (QUO5). A restart of a projection takes less. */
const MAX_UNKNOWN_MS = 60_000;

/** What one project uses of its quotas, as one gateway knows it. */
export class GuardedProject {
  readonly open = new OpenRequests();
  /** The bytes that the log was counted to hold. */
  stored = 0;
  refusals: Refusals = { counts: {}, at: undefined };
  readonly #options: GuardedProjectOptions;
  readonly #rate: AcceptRate;
  #turn: Promise<unknown> = Promise.resolve();
  /** How many calls have joined the queue of turns, and the last refusal there with the calls that it concerns. */
  #joined = 0;
  #refused: { upTo: number; error: unknown } = { upTo: 0, error: undefined };

  constructor(options: GuardedProjectOptions) {
    this.#options = options;
    this.#rate = new AcceptRate({ ...options, rate: () => rateOf(options.quota()) });
  }

  /** Throws `QuotaExceededError`. Nothing is reserved then. */
  admit(count: number): Promise<Admitted> {
    return this.#noting(this.#tryOnce(count));
  }

  /** As `admit`, but waits for a while, in the order of the calls. The calls behind one that is refused are refused with it. */
  admitInTurn(count: number): Promise<Admitted> {
    const place = ++this.#joined;
    const turn = this.#turn.then(() => {
      if (place <= this.#refused.upTo) throw this.#refused.error;
      return this.#tryForAWhile(count);
    });
    this.#turn = turn.catch((error: unknown) => {
      if (place > this.#refused.upTo) this.#refused = { upTo: this.#joined, error };
    });
    return this.#noting(turn);
  }

  async #tryOnce(count: number): Promise<Admitted> {
    const quota = this.#options.quota();
    this.#checkAmounts(quota, count);
    // Reserved before the first pause, so that requests of one moment do not pass together.
    this.open.send(count);
    try {
      if (quota.rate !== undefined) await this.#takeRate(rateOf(quota), count);
    } catch (error) {
      this.open.settle(count, undefined);
      throw error;
    }
    return {
      settle: (isAccepted, repeated = 0) => {
        this.open.settle(count, isAccepted && repeated < count ? this.#options.acknowledged() : undefined);
        if (quota.rate !== undefined && repeated > 0) this.#rate.giveBack(repeated);
      },
    };
  }

  #checkAmounts({ open: quota, storedBytes }: ProjectQuota, count: number): void {
    const { name, mustKnowUse, unknownForMs } = this.#options;
    if (mustKnowUse() && unknownForMs() > MAX_UNKNOWN_MS) throw useUnknown(name, unknownForMs());
    if (storedBytes !== undefined && this.stored >= storedBytes) throw storedExceeded(name, { quota: storedBytes, stored: this.stored });
    const open = this.open.counted + this.open.uncounted;
    if (quota !== undefined && open + count > quota) throw openExceeded(name, { quota, open, count });
  }

  async #takeRate({ rate, burst }: Rate, count: number): Promise<void> {
    const { name } = this.#options;
    if (count > burst) throw burstExceeded(name, { count, burst });
    const waitInMs = await this.#rate.take(count);
    if (waitInMs > 0) throw rateExceeded(name, { rate, burst, waitInMs });
  }

  async #tryForAWhile(count: number): Promise<Admitted> {
    const { clock, signal } = this.#options;
    const startedAt = clock.now();
    for (;;) {
      const admitted = await this.#tryOnce(count).catch((error: unknown) => {
        const mayWait = error instanceof QuotaExceededError && clock.now() - startedAt < (WAITS_FOR_MS[error.quota] ?? 0);
        if (!mayWait || signal.aborted) throw error;
      });
      if (admitted !== undefined) return admitted;
      await clock.sleep(LOOK_AGAIN_AFTER_MS, signal);
    }
  }

  /** Counts the refusals that callers see. */
  #noting(admission: Promise<Admitted>): Promise<Admitted> {
    return admission.catch((error: unknown) => {
      if (error instanceof QuotaExceededError) {
        const { counts } = this.refusals;
        this.refusals = {
          counts: { ...counts, [error.quota]: (counts[error.quota as SendingQuota] ?? 0) + 1 },
          at: this.#options.clock.now(),
        };
      }
      throw error;
    });
  }
}

function rateOf({ rate = 1, burst = rate }: ProjectQuota): Rate {
  return { rate, burst };
}

/** When an invocation of the project ends is unknown. */
const RETRY_OPEN_AFTER_S = 5;
/** Storage becomes free when the retention removes messages. */
const RETRY_STORED_AFTER_S = 60;

function openExceeded(project: string, { quota, open, count }: { quota: number; open: number; count: number }): QuotaExceededError {
  const more = count === 1 ? '' : `, and this call has ${count} more`;
  const why = `project ${project} has ${open} open invocations${more}; its quota is ${quota}. Nothing was accepted: send again when some have ended, or ask the operator for a larger quota`;
  return new QuotaExceededError({ quota: 'open', why, retryAfterInS: RETRY_OPEN_AFTER_S });
}

function storedExceeded(project: string, { quota, stored }: { quota: number; stored: number }): QuotaExceededError {
  const why = `project ${project} stores ${stored} bytes in the log and beside it; its quota is ${quota}. Nothing was accepted: finished invocations leave the log after its retention or by sequent purge; or ask the operator for a larger quota`;
  return new QuotaExceededError({ quota: 'storedBytes', why, retryAfterInS: RETRY_STORED_AFTER_S });
}

type RateFacts = { rate: number; burst: number; waitInMs: number };

function rateExceeded(project: string, { rate, burst, waitInMs }: RateFacts): QuotaExceededError {
  const retryAfterInS = Math.max(1, Math.ceil(waitInMs / 1_000));
  const why = `project ${project} sends more than its quota of ${rate} requests per second (burst ${burst}). Nothing was accepted: send again after ${retryAfterInS} s, or ask the operator for a larger quota`;
  return new QuotaExceededError({ quota: 'rate', why, retryAfterInS });
}

function burstExceeded(project: string, { count, burst }: { count: number; burst: number }): QuotaExceededError {
  const why = `this call has ${count} requests, and project ${project} may send ${burst} at once. Nothing was accepted: send fewer at once, or as a batch of lines`;
  return new QuotaExceededError({ quota: 'rate', why, retryAfterInS: 1 });
}

/** The remedy is an answer of a projection, and no pause of the caller. */
function useUnknown(project: string, unknownForMs: number): HistoryUnavailableError {
  const seconds = Math.round(unknownForMs / 1_000);
  const why = `no projection has said for ${seconds} s what project ${project} uses of its quota. Nothing was accepted: send again later`;
  return new HistoryUnavailableError({ why });
}
