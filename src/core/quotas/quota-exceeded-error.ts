import { SequentError } from '#src/core/errors.ts';

/** The quotas of the requests of a project. */
export type SendingQuota = 'open' | 'rate' | 'storedBytes';
/** The quotas of the definitions of a project. */
export type DefinitionQuota = 'functions' | 'schedules' | 'definitionBytes' | 'codeBytes';
export type QuotaName = SendingQuota | DefinitionQuota;

/** A project has reached one of its quotas. Nothing was accepted. The message names the quota, the figure and the remedy. */
export class QuotaExceededError extends SequentError {
  readonly code = 'QUOTA_EXCEEDED';
  readonly retryable: boolean;
  readonly quota: QuotaName;
  /** Absent when no passing of time makes room. */
  readonly retryAfterInS: number | undefined;
  constructor({ quota, why, retryAfterInS }: { quota: QuotaName; why: string; retryAfterInS?: number }, options?: ErrorOptions) {
    super(why, options);
    this.quota = quota;
    this.retryAfterInS = retryAfterInS;
    this.retryable = retryAfterInS !== undefined;
  }
}
