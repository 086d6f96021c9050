import { expect, test } from 'vitest';
import { isTraceparent } from '#src/core/names/traceparent.ts';
import { traceHeaders } from '#src/destinations/targets/trace-headers.ts';
import { parseTraceparent } from '#src/tracing/tracer.ts';

const trace = '0af7651916cd43dd8448eb211c80319c';
const span = 'b7ad6b7169203331';

test('a trace context is passed on and read', () => {
  const traceparent = `00-${trace}-${span}-01`;
  expect(isTraceparent(traceparent)).toBe(true);
  expect(traceHeaders({ traceparent })).toEqual({ traceparent });
  expect(parseTraceparent(traceparent)).toEqual({ traceId: trace, spanId: span, traceFlags: 1, isRemote: true });
});

test.for([
  ['an unknown version', `ff-${trace}-${span}-01`],
  ['a trace of zeros', `00-${'0'.repeat(32)}-${span}-01`],
  ['a span of zeros', `00-${trace}-${'0'.repeat(16)}-01`],
  ['upper case', `00-${trace.toUpperCase()}-${span}-01`],
  ['a line feed at its end', `00-${trace}-${span}-01\n`],
  ['further fields', `01-${trace}-${span}-01-more`],
  ['nothing', ''],
] as const)('a trace context with %s reaches neither a header nor a span', ([, traceparent]) => {
  expect(isTraceparent(traceparent)).toBe(false);
  expect(traceHeaders({ traceparent })).toEqual({});
  expect(parseTraceparent(traceparent)).toBeUndefined();
});
