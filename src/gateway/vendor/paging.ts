import { parseWholeNumber } from '#src/core/text/whole-number.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import type { Call } from '../ports.ts';

/** The name of the query parameter of the limit, its default and its maximum. */
export type PageOptions = { limit: string; default: number; max: number };

/** The marker and the limit of a list. Throws `HttpError` 400 for a value that is not a whole number from 0. */
export function pageOf(call: Call, { limit: name, default: usual, max }: PageOptions): { marker: number; limit: number } {
  const marker = numberOf(call, 'marker');
  const limit = numberOf(call, name);
  return { marker, limit: limit === 0 ? usual : Math.min(limit, max) };
}

function numberOf(call: Call, name: string): number {
  const text = call.req.query(name) ?? '';
  if (text === '') return 0;
  const value = parseWholeNumber(text);
  if (value !== undefined) return value;
  throw new HttpError({ status: 400, vendorCode: 'FSS.1001', message: `${name} must be a whole number from 0` });
}
