import type { Invocation } from '#machines/invocation.ts';

/** Whether the log shows that an attempt is over, or can never start, so that its slot is free (SLOT3). */
export function isOver(invocation: Invocation | undefined, attempt: number): boolean {
  if (invocation === undefined) return false;
  const { value, context } = invocation;
  return context.outcome !== null || context.attempts > attempt || (context.attempts === attempt && value !== 'running');
}
