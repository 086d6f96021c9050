import {
  type Context,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { isTraceparent } from '#src/core/names/traceparent.ts';

/*
 * Spans by OpenTelemetry's conventions for messaging and for functions. The process registers an SDK before Sequent or the client starts.
 * Without an SDK no span is made, and trace contexts are passed on unchanged.
 */

const SCOPE = 'sequent';

/** The tracer of the registered SDK; `undefined` without one. Called once, when a role or a client starts. */
export function findTracer(): Tracer | undefined {
  const provider = trace.getTracerProvider();
  // Without a registered SDK, the API has only its proxy provider.
  return provider instanceof ProxyTracerProvider ? provider.getDelegateTracer(SCOPE) : provider.getTracer(SCOPE);
}

/** The span that a `traceparent` names; `undefined` for an invalid one (W3C Trace Context). */
export function parseTraceparent(text: string | undefined): SpanContext | undefined {
  if (text === undefined || !isTraceparent(text)) return undefined;
  const [, traceId = '', spanId = '', flags = ''] = text.split('-');
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}

export function formatTraceparent({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, '0')}`;
}

/** The context of the remote caller; `otherwise` without a valid `traceparent`. */
export function contextOf(traceparent: string | undefined, otherwise: Context = ROOT_CONTEXT): Context {
  const caller = parseTraceparent(traceparent);
  return caller === undefined ? otherwise : trace.setSpanContext(ROOT_CONTEXT, caller);
}

/** Ends a span, with the error if there was one. */
export function endSpan(span: Span, error?: { type: string; message: string }): void {
  if (error !== undefined) {
    span.setAttribute('error.type', error.type);
    span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
  }
  span.end();
}
