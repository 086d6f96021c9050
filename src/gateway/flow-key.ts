import { InvalidInputError } from '#src/core/errors.ts';
import { FLOW_KEY_FORM, isFlowKey } from '#src/core/functions/flow.ts';
import type { Call } from './ports.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The key that a caller chooses among those of the function's flow, by the header `Flow-Key`; a query parameter takes its place.
 *
 * The bytes of the header are UTF-8; Node reads them as Latin-1. Throws `InvalidInputError`.
 */
export function flowKeyOf(call: Call, inQuery?: string): string | undefined {
  const header = call.req.header('flow-key');
  const key = inQuery ?? (header === undefined ? undefined : decoded(header));
  if (key === undefined || isFlowKey(key)) return key;
  throw new InvalidInputError({ field: inQuery === undefined ? 'Flow-Key' : 'flow_key', problem: FLOW_KEY_FORM });
}

function decoded(header: string): string {
  try {
    return utf8.decode(Buffer.from(header, 'latin1'));
  } catch (cause) {
    throw new InvalidInputError({ field: 'Flow-Key', problem: 'is not UTF-8' }, { cause });
  }
}
