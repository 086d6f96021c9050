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
 * Spans by OpenTelemetry's conventions for messaging and for functions. Whoever runs Sequent, or the client, registers an SDK before
 * it starts; without one nothing here is called, and trace contexts are passed on as they came.
 */

const SCOPE = 'sequent';

/** The tracer of the SDK that is registered now; `undefined` without one. Asked once, when a role or a client starts. */
export function findTracer(): Tracer | undefined {
  const provider = trace.getTracerProvider();
  // Before an SDK registers itself there is only the stand-in of the API.
  return provider instanceof ProxyTracerProvider ? provider.getDelegateTracer(SCOPE) : provider.getTracer(SCOPE);
}

/** The span that a `traceparent` names; `undefined` when it is none (W3C Trace Context). */
export function parseTraceparent(text: string | undefined): SpanContext | undefined {
  if (text === undefined || !isTraceparent(text)) return undefined;
  const [, traceId = '', spanId = '', flags = ''] = text.split('-');
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}

export function formatTraceparent({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, '0')}`;
}

/** The context of a caller elsewhere, or of nobody. */
export function contextOf(traceparent: string | undefined, otherwise: Context = ROOT_CONTEXT): Context {
  const caller = parseTraceparent(traceparent);
  return caller === undefined ? otherwise : trace.setSpanContext(ROOT_CONTEXT, caller);
}

/** Ends a span with what came of it. */
export function endSpan(span: Span, error?: { type: string; message: string }): void {
  if (error !== undefined) {
    span.setAttribute('error.type', error.type);
    span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
  }
  span.end();
}
