import { parseWholeNumber } from '#src/core/text/whole-number.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import type { Call } from '../ports.ts';

/** The marker and the limit of a list. Throws `HttpError` 400 for what is no number, or below 0. */
export function pageOf(
  call: Call,
  { limit: name, usual, most }: { limit: string; usual: number; most: number },
): { marker: number; limit: number } {
  const marker = numberOf(call, 'marker');
  const limit = numberOf(call, name);
  return { marker, limit: limit === 0 ? usual : Math.min(limit, most) };
}

function numberOf(call: Call, name: string): number {
  const text = call.req.query(name) ?? '';
  if (text === '') return 0;
  const value = parseWholeNumber(text);
  if (value !== undefined) return value;
  throw new HttpError({ status: 400, vendorCode: 'FSS.1001', message: `${name} must be a whole number from 0` });
}
