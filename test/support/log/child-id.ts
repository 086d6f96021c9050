import { childIdOf, deliveryIdOf } from '#src/core/names/delivery-ids.ts';
import type { RequestId } from '#src/core/names/names.ts';

/** The id of the invocation that the first destination of an outcome starts, when that destination is a function. */
export function firstChildOf(functionName: string, invocation: string): RequestId {
  return childIdOf(deliveryIdOf(functionName, { invocation }, 'functiongraph-0'));
}
