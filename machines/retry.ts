import { backoffDelay } from './backoff.ts';
import type { Backoff, FactOf, Failure, StoredOutput } from './facts.ts';
import type { InvocationContext } from './invocation-context.ts';

/** The number of lost workers that ends an invocation: no attempt is granted after the last of them. */
export const MAX_LOST_ATTEMPTS = 8;

/** The delays after a failure of the platform, such as a missing responder. */
const platformBackoff: Backoff = { initialInMs: 500, factor: 2, maxInMs: 60_000, jitter: 0.5 };

type AttemptCounts = Pick<InvocationContext, 'terms' | 'retries' | 'lost'>;
type FailedAttempt = {
  failure: Failure;
  output?: string | undefined;
  storedOutput?: StoredOutput | undefined;
  memoryUsedInMb?: number | undefined;
  at: number;
};

/** Whether another attempt is granted after this failure (E5). A synchronous invocation has one attempt (SYNC1), and a non-retryable error is the last. */
export function canTryAgain(context: AttemptCounts, failure: Failure): boolean {
  if (context.terms?.synchronous || failure.retryable === false) return false;
  switch (failure.kind) {
    case 'function':
      return context.retries < (context.terms?.maxRetries ?? 0);
    case 'lost':
      return context.lost + 1 < MAX_LOST_ATTEMPTS;
    case 'platform':
      // The maximum age of the request bounds these attempts.
      return true;
  }
}

/**
 * Decides what follows a failed attempt: `retrying`, due at an absolute time (T1), or `failed`.
 *
 * Only failures of the function consume retries. The attempt after a lost worker is due at once. A delay that the function or its endpoint
 * asks for replaces the backoff.
 */
export function afterFailure(
  { context }: { context: InvocationContext },
  { failure, output, storedOutput, memoryUsedInMb, at }: FailedAttempt,
): FactOf<'retrying'> | FactOf<'failed'> {
  const invocation = context.request?.invocation ?? '';
  const printed = { ...(output === undefined ? {} : { output }), ...(storedOutput === undefined ? {} : { storedOutput }) };
  const end = { invocation, at, attempt: context.attempts, failure, ...printed };
  if (canTryAgain(context, failure)) return { type: 'retrying', dueAt: at + retryDelay(context, failure), ...end };
  const condition = failure.kind === 'function' ? 'UnhandledInvocationError' : 'SystemError';
  return { type: 'failed', condition, ...end, ...(memoryUsedInMb === undefined ? {} : { memoryUsedInMb }) };
}

function retryDelay(context: InvocationContext, failure: Failure): number {
  if (failure.retryAfterInMs !== undefined) return failure.retryAfterInMs;
  const seed = `${context.request?.invocation}#${context.attempts}`;
  switch (failure.kind) {
    case 'lost':
      return 0;
    case 'platform':
      return backoffDelay(platformBackoff, context.attempts - context.retries - context.lost, seed);
    case 'function':
      return context.terms === null ? 0 : backoffDelay(context.terms.backoff, context.retries + 1, seed);
  }
}
