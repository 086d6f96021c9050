import { HistoryUnavailableError } from '#src/core/errors.ts';
import { QuotaExceededError } from '#src/core/quotas/quota-exceeded-error.ts';

/** When an invocation of the project ends is unknown. */
const RETRY_OPEN_AFTER_S = 5;
/** Storage becomes free when the retention removes messages. */
const RETRY_STORED_AFTER_S = 60;

export function openExceeded(project: string, { quota, open, count }: { quota: number; open: number; count: number }): QuotaExceededError {
  const more = count === 1 ? '' : `, and this call has ${count} more`;
  const why = `project ${project} has ${open} open invocations${more}; its quota is ${quota}. Nothing was accepted: send again when some have ended, or ask the operator for a larger quota`;
  return new QuotaExceededError({ quota: 'open', why, retryAfterInS: RETRY_OPEN_AFTER_S });
}

export function storedExceeded(project: string, { quota, stored }: { quota: number; stored: number }): QuotaExceededError {
  const why = `project ${project} stores ${stored} bytes in the log and beside it; its quota is ${quota}. Nothing was accepted: finished invocations leave the log after its retention or by sequent purge; or ask the operator for a larger quota`;
  return new QuotaExceededError({ quota: 'storedBytes', why, retryAfterInS: RETRY_STORED_AFTER_S });
}

type RateFacts = { rate: number; burst: number; waitInMs: number };

export function rateExceeded(project: string, { rate, burst, waitInMs }: RateFacts): QuotaExceededError {
  const retryAfterInS = Math.max(1, Math.ceil(waitInMs / 1_000));
  const why = `project ${project} sends more than its quota of ${rate} requests per second (burst ${burst}). Nothing was accepted: send again after ${retryAfterInS} s, or ask the operator for a larger quota`;
  return new QuotaExceededError({ quota: 'rate', why, retryAfterInS });
}

export function burstExceeded(project: string, { count, burst }: { count: number; burst: number }): QuotaExceededError {
  const why = `this call has ${count} requests, and project ${project} may send ${burst} at once. Nothing was accepted: send fewer at once, or as a batch of lines`;
  return new QuotaExceededError({ quota: 'rate', why, retryAfterInS: 1 });
}

/** The remedy is an answer of a projection, and no pause of the caller. */
export function useUnknown(project: string, unknownForMs: number): HistoryUnavailableError {
  const seconds = Math.round(unknownForMs / 1_000);
  const why = `no projection has said for ${seconds} s what project ${project} uses of its quota. Nothing was accepted: send again later`;
  return new HistoryUnavailableError({ why });
}
