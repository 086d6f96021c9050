import type { DeliveryRequest, DeliveryResult, DestinationTarget } from '#src/core/ports/destination-target.ts';
import { dead } from './verdict.ts';

/** A `param` that cannot be used, with the sentence that says why. */
export type Refused = { kind: 'refused'; problem: string };

type ResolvedTargetOptions<Resolved> = {
  /** The limit key of a `param` that is refused. */
  kind: string;
  /** Finds what a `param` names. Without a function the project is not checked. */
  resolve(param: string, functionName?: string): Resolved | Refused;
  limitKeyOf(resolved: Resolved): string;
  /** Never rejects. Gives up when the signal aborts. */
  deliver(resolved: Resolved, request: DeliveryRequest, signal: AbortSignal): Promise<DeliveryResult>;
};

/** A target that resolves its `param` for each call. A delivery ends dead while its `param` is refused. */
export function createResolvedTarget<Resolved extends { kind: string }>(options: ResolvedTargetOptions<Resolved>): DestinationTarget {
  return {
    refuse(param, functionName) {
      const resolved = options.resolve(param, functionName);
      return isRefused(resolved) ? resolved.problem : undefined;
    },
    limitKeyOf({ param }) {
      const resolved = options.resolve(param);
      return isRefused(resolved) ? options.kind : options.limitKeyOf(resolved);
    },
    async deliver(request, signal) {
      const resolved = options.resolve(request.destination.param, request.functionName);
      return isRefused(resolved) ? dead(resolved.problem) : options.deliver(resolved, request, signal);
    },
  };
}

function isRefused(resolved: { kind: string }): resolved is Refused {
  return resolved.kind === 'refused';
}
