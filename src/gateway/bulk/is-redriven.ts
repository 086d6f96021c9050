import { InvocationNotFoundError } from '#src/core/errors.ts';
import type { GatewayClient } from '../ports.ts';

/** Whether an invocation was redriven before. An invocation that retention removed from the log cannot be redriven. */
export async function isRedriven(
  { timeline }: Pick<GatewayClient, 'timeline'>,
  { id, function: token }: { id: string; function: string },
): Promise<boolean> {
  try {
    return (await timeline(id, { function: token })).transitions.some(({ fact }) => fact.type === 'redriven');
  } catch (error) {
    if (error instanceof InvocationNotFoundError) return false;
    throw error;
  }
}
