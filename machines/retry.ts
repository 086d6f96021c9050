import { backoffDelay } from './backoff.ts';
import type { Backoff, FactOf, Failure } from './facts.ts';
import { canTryAgain, type Invocation } from './invocation.ts';

/** How the platform paces itself when it, not the function, is what failed: no process, no responder. */
const platformBackoff: Backoff = { initialInMs: 500, factor: 2, maxInMs: 60_000, jitter: 0.5 };

/**
 * Decides what follows a failed attempt: another one, due at an absolute time, or the end.
 *
 * Only failures of the function consume its retries; a lost worker is followed up at once.
 */
export function afterFailure(
  invocation: Invocation,
  { failure, output, at }: { failure: Failure; output?: string | undefined; at: number },
): FactOf<'retrying'> | FactOf<'failed'> {
  const { context } = invocation;
  const id = context.request?.invocation ?? '';
  const settled = { invocation: id, at, attempt: context.attempts, failure, ...(output === undefined ? {} : { output }) };
  if (!canTryAgain(context, failure)) {
    return { type: 'failed', condition: failure.kind === 'function' ? 'UnhandledInvocationError' : 'SystemError', ...settled };
  }
  return { type: 'retrying', dueAt: at + retryDelay(invocation, failure), ...settled };
}

function retryDelay({ context }: Invocation, failure: Failure): number {
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
