import { z } from 'zod';
import { type Lineage, MAX_PAYLOAD_BYTES } from '#machines/facts.ts';
import type { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import { FunctionNotFoundError, InvalidInputError, messageOf } from '#src/core/errors.ts';
import { LATEST } from '#src/core/functions/definition.ts';
import type { EventLog, NewRequest } from '#src/core/log/event-log.ts';
import { childIdOf } from '#src/core/names/delivery-ids.ts';
import { streamOf } from '#src/core/names/ids.ts';
import type { FunctionName, RequestId } from '#src/core/names/names.ts';
import { type FunctionReference, parseFunctionUrn } from '#src/core/names/urn.ts';
import type { DeliveryRequest, DestinationTarget } from '#src/core/ports/destination-target.ts';

const paramSchema = z.object({ func_urn: z.string() });

type Bounds = { maxHops: number; maxChain: number };

export type FunctionTargetOptions = Bounds & {
  log: Pick<EventLog, 'accept'>;
  /** Seals the requests for functions of encrypting projects. */
  payloads?: PayloadSealer | undefined;
  /** Throws `FunctionNotFoundError`. */
  findFunction: (name: string, qualifier: string) => Promise<unknown>;
  /** Whether the local copy of the registry has this version or `!alias` of the function. */
  isKnown: (name: FunctionName, qualifier: string) => boolean;
};

/**
 * Invokes another function with the envelope as its event.
 *
 * The request id of the child derives from the delivery id, so a repeated delivery starts nothing twice (D1). The child carries the root,
 * parent, hop and budget of its chain. A child beyond a bound is accepted and fails, and the delivery ends dead (L1, L2).
 */
export function createFunctionTarget({
  log,
  findFunction,
  isKnown,
  maxHops,
  maxChain,
  payloads,
}: FunctionTargetOptions): DestinationTarget {
  const readParam = createParamReader();
  return {
    endsByItself: true,
    withoutCircuit: true,
    // The envelope becomes the payload of a request.
    maxEnvelopeBytes: MAX_PAYLOAD_BYTES,
    // A try is one append to Sequent's own log, and many concurrent appends do not slow the log down.
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
        const child = childOf(request, { name, qualifier, payloads });
        const exceeded = exceededBound(child.lineage, { maxHops, maxChain });
        await log.accept({ function: name, stream: streamOf(child.id) }, [child]);
        return exceeded === undefined ? { kind: 'delivered' } : { kind: 'dead', reason: `LoopDetected: ${exceeded}; ${child.id} was cut` };
      } catch (error) {
        if (error instanceof FunctionNotFoundError || error instanceof InvalidInputError) return { kind: 'dead', reason: error.message };
        return { kind: 'failed', reason: messageOf(error) };
      }
    },
  };
}

type Child = NewRequest & { id: RequestId; lineage: Lineage & { budget: number } };

function childOf(
  { deliveryId, requestId, envelope, lineage, traceparent }: DeliveryRequest,
  { name, qualifier, payloads }: Pick<FunctionReference, 'name' | 'qualifier'> & Pick<FunctionTargetOptions, 'payloads'>,
): Child {
  const id = childIdOf(deliveryId);
  const child: Child = {
    id,
    payload: payloads?.seal(name, envelope, id) ?? envelope,
    lineage: { ...lineage, parent: requestId, hop: lineage.hop + 1 },
  };
  // A request without a qualifier means `latest`.
  if (qualifier !== LATEST) child.qualifier = qualifier;
  if (traceparent !== undefined) child.traceparent = traceparent;
  return child;
}

/** The bound of the chain that an invocation exceeds. The invocation is accepted and fails, so both ends record the cut (L1, L2). */
function exceededBound({ root, hop, budget }: DeliveryRequest['lineage'], { maxHops, maxChain }: Bounds): string | undefined {
  if (hop <= maxHops && budget >= 0) return undefined;
  return `the chain that began with ${root} has more than ${hop > maxHops ? `${maxHops} hops` : `${maxChain} invocations`}`;
}

type ReadParam = (param: string, from?: FunctionName) => FunctionReference | string;

/** About as many params exist as functions with destinations. */
const MAX_CACHED_PARAMS = 1_000;

/** Caches parsed params: every outcome of a function has the same few params. */
function createParamReader(): ReadParam {
  const cache = new Map<string, Map<FunctionName | undefined, FunctionReference | string>>();
  return (param, from) => {
    const cached = cache.get(param)?.get(from);
    if (cached !== undefined) return cached;
    if (cache.size >= MAX_CACHED_PARAMS) cache.clear();
    const target = readParam(param, from);
    cache.set(param, (cache.get(param) ?? new Map()).set(from, target));
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
