import { context, SpanKind, type Tracer } from '@opentelemetry/api';
import { messageOf } from '#src/core/errors.ts';
import { contextOf, endSpan, formatTraceparent } from './tracer.ts';

type Traced = { traceparent?: string | undefined };

/** Accepts a request within its own span, a child of the caller's span. The request carries the context of that span. */
export type TraceRequest = <Request extends Traced, Value>(
  name: string,
  request: Request,
  accept: (request: Request) => Promise<Value>,
) => Promise<Value>;

export function createRequestTracing(tracer: Tracer | undefined): TraceRequest {
  if (tracer === undefined) return (_, request, accept) => accept(request);
  return async (name, request, accept) => {
    const span = tracer.startSpan(
      `send ${name}`,
      {
        kind: SpanKind.PRODUCER,
        attributes: {
          'messaging.system': 'nats',
          'messaging.operation.name': 'publish',
          'messaging.operation.type': 'send',
          'messaging.destination.name': `invoke.${name}`,
          'faas.invoked_name': name,
        },
      },
      contextOf(request.traceparent, context.active()),
    );
    try {
      const value = await accept({ ...request, traceparent: formatTraceparent(span.spanContext()) });
      endSpan(span);
      return value;
    } catch (error) {
      endSpan(span, { type: (error as { code?: string }).code ?? 'Error', message: messageOf(error) });
      throw error;
    }
  };
}
