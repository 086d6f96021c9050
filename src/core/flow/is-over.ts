import type { Invocation } from '#machines/invocation.ts';
import type { Attempt } from './ledger-entry.ts';

/**
 * Whether the log shows that an attempt is over, or can never start, so that its slot is free (SLOT3). An attempt that keeps its slot for the
 * next one is over with the outcome (SLOT7).
 */
export function isOver(invocation: Invocation | undefined, { attempt, fifo }: Pick<Attempt, 'attempt' | 'fifo'>): boolean {
  if (invocation === undefined) return false;
  const { value, context } = invocation;
  if (context.outcome !== null) return true;
  return fifo !== 'hold' && (context.attempts > attempt || (context.attempts === attempt && value !== 'running'));
}
