import { context, SpanKind, type Tracer, trace } from '@opentelemetry/api';
import type { ExecutionResult, HostLayer } from '#src/core/ports/function-host.ts';
import { contextOf, endSpan, formatTraceparent, parseTraceparent } from './tracer.ts';

/**
 * Makes a span for every attempt, in the trace of the request and linked to the request.
 *
 * The function gets the context of its attempt instead of the caller's, so its own spans are children of the attempt.
 */
export function createTracingLayer(tracer: Tracer | undefined): HostLayer | undefined {
  if (tracer === undefined) return undefined;
  return {
    needs: () => true,
    async execute(execution, signal, run) {
      const { definition, requestId, attempt, traceparent, functionUrn, qualifier } = execution;
      const caller = parseTraceparent(traceparent);
      const parent = contextOf(traceparent);
      const span = tracer.startSpan(
        `process ${definition.name}`,
        {
          kind: SpanKind.CONSUMER,
          links: caller === undefined ? [] : [{ context: caller }],
          attributes: {
            'messaging.system': 'nats',
            'messaging.operation.name': 'process',
            'messaging.operation.type': 'process',
            'messaging.destination.name': `invoke.${definition.name}`,
            'messaging.message.id': requestId,
            'faas.trigger': 'pubsub',
            'faas.invocation_id': requestId,
            'faas.name': definition.name,
            'faas.version': qualifier,
            'cloud.resource_id': functionUrn,
            'sequent.attempt': attempt,
          },
        },
        parent,
      );
      const traced = { ...execution, traceparent: formatTraceparent(span.spanContext()) };
      const result = await context.with(trace.setSpan(parent, span), () => run(traced, signal));
      endSpan(span, failureOf(result));
      return result;
    },
  };
}

function failureOf(result: ExecutionResult): { type: string; message: string } | undefined {
  return result.kind === 'failed' ? { type: result.failure.errorType, message: result.failure.message } : undefined;
}
