import { SequentError } from '#src/core/errors.ts';

export type QuotaName = 'open' | 'rate' | 'storedBytes';

/** A project has reached one of its quotas. Nothing was accepted. The message names the quota, the figure and what to do. */
export class QuotaExceededError extends SequentError {
  readonly code = 'QUOTA_EXCEEDED';
  readonly retryable = true;
  readonly quota: QuotaName;
  readonly retryAfterInS: number;
  constructor({ quota, why, retryAfterInS }: { quota: QuotaName; why: string; retryAfterInS: number }, options?: ErrorOptions) {
    super(why, options);
    this.quota = quota;
    this.retryAfterInS = retryAfterInS;
  }
}
