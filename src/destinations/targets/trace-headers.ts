import { isTraceparent } from '#src/core/names/traceparent.ts';

/** The header that carries the trace of a request on, unless it is not one. */
export function traceHeaders({ traceparent }: { traceparent?: string }): { traceparent?: string } {
  return traceparent !== undefined && isTraceparent(traceparent) ? { traceparent } : {};
}
