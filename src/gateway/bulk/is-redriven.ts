import { InvocationNotFoundError } from '#src/core/errors.ts';
import { fallback } from '#src/core/fallback.ts';
import type { GatewayClient } from '../ports.ts';

/** Whether an invocation was redriven before. An invocation that retention removed from the log cannot be redriven. */
export async function isRedriven(
  { timeline }: Pick<GatewayClient, 'timeline'>,
  { id, function: token }: { id: string; function: string },
): Promise<boolean> {
  const known = await timeline(id, { function: token }).catch(fallback(undefined, InvocationNotFoundError));
  return known?.transitions.some(({ fact }) => fact.type === 'redriven') ?? false;
}
