import { STATUS_CODES } from 'node:http';
import type { DeliveryResult } from '#src/core/ports/destination-target.ts';
import type { Answer } from '#src/destinations/http/vetted-request.ts';

const MAX_RETRY_AFTER_IN_MS = 3_600_000;

/** Client errors after which another try may succeed. */
const TRANSIENT_STATUSES: ReadonlySet<number> = new Set([408, 425, 429]);

export type Answered = Extract<Answer, { kind: 'answered' }>;

export const delivered: DeliveryResult = { kind: 'delivered' };

export function dead(reason: string): DeliveryResult {
  return { kind: 'dead', reason };
}

export function failed(reason: string, retryAfterInMs?: number): DeliveryResult {
  return retryAfterInMs === undefined ? { kind: 'failed', reason } : { kind: 'failed', reason, retryAfterInMs };
}

/** The connection exists and its secret cannot be read. Another try may succeed once the operator provides the secret. */
export function unusable(connection: string, problem: string): DeliveryResult {
  return failed(`insufficient permission: connection "${connection}" cannot be used: ${problem}`);
}

/** The result of a delivery by its answer. `receiver` is the name in the sentence, which repeats no text of the receiver. */
export function verdictOf(answer: Answer, receiver: string): DeliveryResult {
  switch (answer.kind) {
    case 'answered':
      return verdictOfStatus(answer, receiver);
    case 'refused':
      return dead(`${receiver} may not be used: ${answer.reason}`);
    case 'timed-out':
    case 'unreachable':
      return failed(answer.reason);
  }
}

function verdictOfStatus({ status, headers }: Answered, receiver: string): DeliveryResult {
  if (status >= 200 && status < 300) return delivered;
  const reason = `${receiver} answered ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();
  if (status >= 500 || TRANSIENT_STATUSES.has(status)) return failed(reason, retryAfterOf(headers));
  return dead(status >= 300 && status < 400 ? `${reason}, and redirects are not followed` : reason);
}

/** The delay that `Retry-After` asks for, as seconds or a date; at most an hour. A date is by the clock of the receiver, as `Date` is. */
export function retryAfterOf(headers: Answered['headers'], local = Date.now()): number | undefined {
  const text = headers['retry-after'];
  if (typeof text !== 'string') return undefined;
  const receiverNow = Date.parse(String(headers.date));
  const now = Number.isNaN(receiverNow) ? local : receiverNow;
  const asked = /^\d{1,10}$/.test(text.trim()) ? Number(text) * 1_000 : Date.parse(text) - now;
  return Number.isNaN(asked) ? undefined : Math.min(Math.max(asked, 0), MAX_RETRY_AFTER_IN_MS);
}
