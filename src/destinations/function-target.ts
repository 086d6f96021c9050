import { z } from 'zod';
import { type Lineage, MAX_PAYLOAD_BYTES } from '#machines/facts.ts';
import { FunctionNotFoundError, InvalidInputError, messageOf } from '#src/core/errors.ts';
import { LATEST } from '#src/core/functions/definition.ts';
import type { EventLog, NewRequest } from '#src/core/log/event-log.ts';
import { derivedId, streamOf } from '#src/core/names/ids.ts';
import type { FunctionName, RequestId } from '#src/core/names/names.ts';
import { type FunctionReference, parseFunctionUrn } from '#src/core/names/urn.ts';
import type { DeliveryRequest, DestinationTarget } from '#src/core/ports/destination-target.ts';

const paramSchema = z.object({ func_urn: z.string() });

type Bounds = { maxHops: number; maxChain: number };

export type FunctionTargetOptions = Bounds & {
  log: Pick<EventLog, 'accept'>;
  /** Throws `FunctionNotFoundError`. */
  findFunction: (name: string, qualifier: string) => Promise<unknown>;
  /** Whether the function has such a version or `!alias`, as far as is known here without asking. */
  isKnown: (name: FunctionName, qualifier: string) => boolean;
};

/**
 * Invokes another function with the envelope as its event.
 *
 * The request id of the child derives from the delivery, so a repeated delivery starts nothing twice (D1). The chain's
 * root, parent, hops and budget travel along; a hop or an invocation too many is cut, on both ends (L1, L2).
 */
export function createFunctionTarget({ log, findFunction, isKnown, maxHops, maxChain }: FunctionTargetOptions): DestinationTarget {
  const readParam = createParamReader();
  return {
    endsByItself: true,
    // The envelope becomes the payload of a request.
    maxEnvelopeBytes: MAX_PAYLOAD_BYTES,
    // A try is one append to Sequent's own log, which is no slower for many of them.
    triesAtOnce: 1_000,
    refuse(param) {
      const target = readParam(param);
      return typeof target === 'string' ? target : undefined;
    },
    limitKeyOf: ({ param }) => `FunctionGraph:${param}`,
    async deliver(request) {
      const { destination, functionName } = request;
      const target = readParam(destination.param, functionName as FunctionName);
      if (typeof target === 'string') return { kind: 'dead', reason: target };
      const { name, qualifier } = target;
      try {
        if (!isKnown(name, qualifier)) await findFunction(name, qualifier);
        const child = childOf(request, qualifier);
        const cut = boundOf(child.lineage, { maxHops, maxChain });
        await log.accept({ function: name, stream: streamOf(child.id) }, [child]);
        return cut === undefined ? { kind: 'delivered' } : { kind: 'dead', reason: `LoopDetected: ${cut}; ${child.id} was cut` };
      } catch (error) {
        if (error instanceof FunctionNotFoundError || error instanceof InvalidInputError) return { kind: 'dead', reason: error.message };
        return { kind: 'failed', reason: messageOf(error) };
      }
    },
  };
}

type Child = NewRequest & { id: RequestId; lineage: Lineage & { budget: number } };

function childOf({ deliveryId, requestId, envelope, lineage, traceparent }: DeliveryRequest, qualifier: string): Child {
  const child: Child = {
    id: derivedId(deliveryId),
    payload: envelope,
    lineage: { ...lineage, parent: requestId, hop: lineage.hop + 1 },
  };
  // What a request that names none asks for anyway.
  if (qualifier !== LATEST) child.qualifier = qualifier;
  if (traceparent !== undefined) child.traceparent = traceparent;
  return child;
}

/** Which bound of the chain an invocation is behind. It is accepted all the same, and fails: so both ends tell (L1, L2). */
function boundOf({ root, hop, budget }: DeliveryRequest['lineage'], { maxHops, maxChain }: Bounds): string | undefined {
  if (hop <= maxHops && budget >= 0) return undefined;
  return `the chain that began with ${root} has more than ${hop > maxHops ? `${maxHops} hops` : `${maxChain} invocations`}`;
}

type ReadParam = (param: string, from?: FunctionName) => FunctionReference | string;

/** How many params are remembered: there are about as many as functions that tell others. */
const REMEMBERED = 1_000;

/** Every outcome of a function brings the same few params. */
function createParamReader(): ReadParam {
  const known = new Map<string, Map<FunctionName | undefined, FunctionReference | string>>();
  return (param, from) => {
    const found = known.get(param)?.get(from);
    if (found !== undefined) return found;
    if (known.size >= REMEMBERED) known.clear();
    const target = readParam(param, from);
    known.set(param, (known.get(param) ?? new Map()).set(from, target));
    return target;
  };
}

function readParam(param: string, from?: FunctionName): FunctionReference | string {
  try {
    return parseFunctionUrn(paramSchema.parse(JSON.parse(param)).func_urn, from);
  } catch (error) {
    return `param of FunctionGraph must be {"func_urn": "…"}: ${messageOf(error)}`;
  }
}
