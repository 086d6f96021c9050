import { InvalidInputError } from '#src/core/errors.ts';
import { PRIORITY_FORM, parsePriority } from '#src/core/functions/priority.ts';
import type { Call } from './ports.ts';

/** The header `Priority` of HTTP itself (RFC 9218), such as `u=1, i`. Browsers send it, and it concerns the response alone. */
const OF_HTTP = /^\s*(?:u=[0-7]|i(?:=\?[01])?)\s*(?:[,;]|$)/;

/** The priority that a caller chooses, by the header `Priority`; a query parameter takes its place. Throws `InvalidInputError`. */
export function priorityOf(call: Call, inQuery?: string): number | undefined {
  const header = call.req.header('priority');
  const text = inQuery ?? (header === undefined || OF_HTTP.test(header) ? undefined : header.trim());
  if (text === undefined || text === '') return undefined;
  const priority = parsePriority(text);
  if (priority !== undefined) return priority;
  throw new InvalidInputError({ field: inQuery === undefined ? 'Priority' : 'priority', problem: PRIORITY_FORM });
}
