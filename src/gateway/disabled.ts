import type { FunctionName } from '#src/core/names.ts';
import { HttpError } from './http-error.ts';
import type { Gateway } from './ports.ts';

/** Throws `HttpError` 429 for a function that may have no instance, as the vendor's API disables one; by whichever API it is invoked. */
export async function refuseDisabled({ client, records }: Pick<Gateway, 'client' | 'records'>, name: FunctionName): Promise<void> {
  if (records.function(name)?.max_instance_num !== 0) return;
  await client.functions.get(name);
  throw new HttpError({ status: 429, message: 'Function Disabled' });
}
