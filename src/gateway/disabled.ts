import type { FunctionName } from '#src/core/names/names.ts';
import { HttpError } from './http/http-error.ts';
import type { Gateway } from './ports.ts';

type FunctionLookup = Pick<Gateway, 'client' | 'records'>;

/** Whether a function may have no instance: the vendor's API disables one so, for whichever API it is invoked by. */
export function isDisabled({ records }: Pick<FunctionLookup, 'records'>, name: FunctionName): boolean {
  return records.function(name)?.max_instance_num === 0;
}

/** Throws what an invocation of a disabled function is answered with: `HttpError` 429, or `FunctionNotFoundError` when it is gone. */
export async function refuseDisabled({ client }: FunctionLookup, name: FunctionName): Promise<never> {
  await client.functions.get(name);
  throw new HttpError({ status: 429, message: 'Function Disabled' });
}
