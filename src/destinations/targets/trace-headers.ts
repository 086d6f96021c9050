/** The header that carries the trace of a request on, unless it is not one. */
export function traceHeaders({ traceparent }: { traceparent?: string }): { traceparent?: string } {
  return traceparent !== undefined && /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/.test(traceparent) ? { traceparent } : {};
}
