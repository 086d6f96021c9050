import type { DueOptions } from '#src/core/log/requests/due-time.ts';
import type { Call } from '../../ports.ts';

/** The header `Deliver-At` holds a moment, or a plus and a delay. A query parameter takes its place. */
export function dueOptionsOf(
  call: Call,
  { deliver_at: at, delay }: { deliver_at?: string | undefined; delay?: string | undefined },
): DueOptions {
  if (at !== undefined || delay !== undefined) return { at, delay };
  const given = call.req.header('deliver-at');
  return given?.startsWith('+') ? { delay: given.slice(1) } : { at: given };
}
