import { SpanKind, type Tracer } from '@opentelemetry/api';
import type { DeliveryResult, DestinationTarget } from '#src/core/ports/destination-target.ts';
import { contextOf, endSpan, formatTraceparent } from './tracer.ts';

/** Makes a span for every try of a delivery. The receiver, or the invocation that the delivery starts, gets the span's context. */
export function traceTargets<Targets extends Readonly<Record<string, DestinationTarget>>>(
  targets: Targets,
  tracer: Tracer | undefined,
): Targets {
  if (tracer === undefined) return targets;
  return Object.fromEntries(Object.entries(targets).map(([kind, target]) => [kind, traceTarget(kind, target, tracer)])) as Targets;
}

function traceTarget(kind: string, target: DestinationTarget, tracer: Tracer): DestinationTarget {
  return {
    ...target,
    async deliver(request, signal) {
      const span = tracer.startSpan(
        `send ${kind}`,
        {
          kind: SpanKind.CLIENT,
          attributes: {
            'messaging.operation.name': 'deliver',
            'messaging.operation.type': 'send',
            'messaging.destination.name': target.limitKeyOf(request.destination),
            'messaging.message.id': request.deliveryId,
            'faas.invocation_id': request.requestId,
            'faas.name': request.functionName,
            'sequent.destination': request.destination.id,
            'sequent.outcome': request.outcome,
            'sequent.try': request.try,
          },
        },
        contextOf(request.traceparent),
      );
      const result = await target.deliver({ ...request, traceparent: formatTraceparent(span.spanContext()) }, signal);
      endSpan(span, problemOf(result));
      return result;
    },
  };
}

function problemOf(result: DeliveryResult): { type: string; message: string } | undefined {
  return result.kind === 'delivered' ? undefined : { type: result.kind, message: result.reason };
}
