import type { FunctionName } from '#src/core/names/names.ts';
import { HttpError } from './http/http-error.ts';
import type { Gateway } from './ports.ts';

type FunctionLookup = Pick<Gateway, 'client' | 'records'>;

/** Throws `HttpError` 503 while NATS is not connected, before anything is accepted. */
export function checkConnected({ isConnected }: Pick<Gateway, 'isConnected'>): void {
  if (!isConnected()) throw new HttpError({ status: 503, message: 'NATS is not connected; nothing was accepted', retryAfterInS: 1 });
}

/** Whether the vendor's API disabled a function by a maximum of 0 instances. Applies to invocations through either API. */
export function isDisabled({ records }: Pick<FunctionLookup, 'records'>, name: FunctionName): boolean {
  return records.function(name)?.max_instance_num === 0;
}

/** Refuses an invocation of a disabled function: throws `HttpError` 429, or `FunctionNotFoundError` if the function was deleted. */
export async function refuseDisabled({ client }: FunctionLookup, name: FunctionName): Promise<never> {
  await client.functions.get(name);
  throw new HttpError({ status: 429, message: 'Function Disabled' });
}
