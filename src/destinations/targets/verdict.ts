import { STATUS_CODES } from 'node:http';
import type { DeliveryResult } from '#src/core/ports/destination-target.ts';
import type { Answer } from '#src/destinations/http/vetted-request.ts';

const MAX_RETRY_AFTER_IN_MS = 3_600_000;

/** The refusals that another try may get past. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429]);

export type Answered = Extract<Answer, { kind: 'answered' }>;

export const delivered: DeliveryResult = { kind: 'delivered' };

export function dead(reason: string): DeliveryResult {
  return { kind: 'dead', reason };
}

export function failed(reason: string, retryAfterInMs?: number): DeliveryResult {
  return retryAfterInMs === undefined ? { kind: 'failed', reason } : { kind: 'failed', reason, retryAfterInMs };
}

/** The connection is there, its secret is not: somebody may put it there. */
export function unusable(connection: string, problem: string): DeliveryResult {
  return failed(`insufficient permission: connection "${connection}" cannot be used: ${problem}`);
}

/** What a receiver's answer means. `place` is what the sentence calls it; nothing that it said is repeated. */
export function verdictOf(answer: Answer, place: string): DeliveryResult {
  switch (answer.kind) {
    case 'answered':
      return verdictOfStatus(answer, place);
    case 'refused':
      return dead(`${place} may not be used: ${answer.reason}`);
    case 'timed-out':
    case 'unreachable':
      return failed(answer.reason);
  }
}

function verdictOfStatus({ status, headers }: Answered, place: string): DeliveryResult {
  if (status >= 200 && status < 300) return delivered;
  const reason = `${place} answered ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();
  if (status >= 500 || PASSING.has(status)) return failed(reason, retryAfterOf(headers));
  return dead(status >= 300 && status < 400 ? `${reason}, and redirects are not followed` : reason);
}

/** How long the receiver asks to wait: seconds or a date, at most an hour. */
export function retryAfterOf(headers: Answered['headers'], now = Date.now()): number | undefined {
  const text = headers['retry-after'];
  if (typeof text !== 'string') return undefined;
  const asked = /^\d{1,10}$/.test(text.trim()) ? Number(text) * 1_000 : Date.parse(text) - now;
  return Number.isNaN(asked) ? undefined : Math.min(Math.max(asked, 0), MAX_RETRY_AFTER_IN_MS);
}
