import { isTraceparent } from '#src/core/names/traceparent.ts';

/** The `traceparent` header for the receiver; empty when the request has none or an invalid one. */
export function traceHeaders({ traceparent }: { traceparent?: string }): { traceparent?: string } {
  return traceparent !== undefined && isTraceparent(traceparent) ? { traceparent } : {};
}
