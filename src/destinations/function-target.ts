import { z } from 'zod';
import type { DestinationTarget } from '#src/core/destination-target.ts';
import { FunctionNotFoundError, InvalidInputError, messageOf } from '#src/core/errors.ts';
import type { EventLog } from '#src/core/event-log.ts';
import { derivedId, streamOf } from '#src/core/ids.ts';
import type { FunctionName } from '#src/core/names.ts';
import { type FunctionReference, parseFunctionUrn } from '#src/core/urn.ts';

const paramSchema = z.object({ func_urn: z.string() });

export type FunctionTargetOptions = {
  log: Pick<EventLog, 'accept'>;
  /** Throws `FunctionNotFoundError`. */
  findFunction: (name: string) => Promise<unknown>;
  /** Whether the function is known here, without asking. */
  isKnown: (name: FunctionName) => boolean;
  maxHops: number;
};

/**
 * Invokes another function with the envelope as its event.
 *
 * The request id of the child derives from the delivery, so a repeated delivery starts nothing twice (D1). The chain's
 * root, parent and hops travel along; a hop too many is cut, on both ends (L1).
 */
export function createFunctionTarget({ log, findFunction, isKnown, maxHops }: FunctionTargetOptions): DestinationTarget {
  return {
    refuse(param) {
      const target = readParam(param);
      return typeof target === 'string' ? target : undefined;
    },
    placeOf: ({ param }) => `FunctionGraph:${param}`,
    async deliver({ destination, deliveryId, requestId, envelope, lineage, traceparent }) {
      const target = readParam(destination.param);
      if (typeof target === 'string') return { kind: 'dead', reason: target };
      const { name, qualifier } = target;
      try {
        if (!isKnown(name)) await findFunction(name);
        const id = derivedId(deliveryId);
        const hop = lineage.hop + 1;
        const child = { id, payload: envelope, qualifier, lineage: { root: lineage.root, parent: requestId, hop } };
        await log.accept({ function: name, stream: streamOf(id) }, [traceparent === undefined ? child : { ...child, traceparent }]);
        if (hop <= maxHops) return { kind: 'delivered' };
        return {
          kind: 'dead',
          reason: `LoopDetected: the chain that began with ${lineage.root} has more than ${maxHops} hops; ${id} was cut`,
        };
      } catch (error) {
        if (error instanceof FunctionNotFoundError || error instanceof InvalidInputError) return { kind: 'dead', reason: error.message };
        return { kind: 'failed', reason: messageOf(error) };
      }
    },
  };
}

function readParam(param: string): FunctionReference | string {
  try {
    return parseFunctionUrn(paramSchema.parse(JSON.parse(param)).func_urn);
  } catch (error) {
    return `param of FunctionGraph must be {"func_urn": "…"}: ${messageOf(error)}`;
  }
}
