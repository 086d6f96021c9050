import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, NodeTracerProvider, type ReadableSpan, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { describe, expect } from 'vitest';
import { eventually } from '#test/support/gateway/eventually.ts';
import { type RunningSequent, startSequent } from '#test/support/gateway/running-gateway.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const handlers = new URL('../../support/gateway/handlers.mjs', import.meta.url).pathname;
const exporter = new InMemorySpanExporter();
const test = sharedByFile(async () => {
  // The operator registers an SDK before any role starts.
  new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
  return await startSequent();
});
let sequent: RunningSequent;

test.beforeAll(async ({ sequent: own }) => {
  sequent = own;
  const onSuccess = [{ destination: 'FunctionGraph', param: { func_urn: 'second' } }];
  const policy = { maxRetries: 1, backoff: { initialInMs: 10 } };
  for (const [name, facts] of [
    ['second', { export: 'trace', policy: {} }],
    ['first', { export: 'trace', policy: { onSuccess } }],
    ['fail', { export: 'fail', policy }],
  ] as const) {
    const { export: exported, policy } = facts;
    await sequent.roles.registry.put({ name, handler: { kind: 'process', file: handlers, export: exported }, policy });
  }
});
test.afterAll(async () => {
  trace.disable();
  context.disable();
  propagation.disable();
});

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';

/** The ended spans of a trace, in the order of their starts. */
function spans(traceId: string): ReadableSpan[] {
  const ended = exporter.getFinishedSpans().filter((span) => span.spanContext().traceId === traceId);
  return ended.sort((one, other) => one.startTime[0] - other.startTime[0] || one.startTime[1] - other.startTime[1]);
}

const traceparentOf = (span: ReadableSpan | undefined): string =>
  `00-${span?.spanContext().traceId}-${span?.spanContext().spanId}-${(span?.spanContext().traceFlags ?? 0).toString(16).padStart(2, '0')}`;

async function invoke(name: string, headers: Record<string, string> = {}) {
  const path = `/v2/0123456789abcdef0123456789abcdef/fgs/functions/${name}/invocations-async`;
  const response = await sequent.call('POST', path, { body: {}, headers });
  const { request_id: id } = (await response.json()) as { request_id: string };
  return { id, traceparent: response.headers.get('traceparent') ?? '' };
}

const payloadOf = async (id: string): Promise<string> => {
  const view = await sequent.call('GET', `/api/invocations/${id}`, { headers: { prefer: 'wait=10' } });
  return ((await view.json()) as { result: { payload: string } }).result.payload;
};

describe('with an SDK registered, an invocation', () => {
  test('is one trace from its caller to the function that its outcome invokes', async () => {
    const { id, traceparent } = await invoke('first', { traceparent: `00-${TRACE}-${CALLER}-01` });
    await eventually(async () => spans(TRACE).some(({ name }) => name === 'process second'));
    const traced = spans(TRACE);
    const byName = new Map(traced.map((span) => [span.name, span]));
    const chain = ['send first', 'process first', 'send FunctionGraph', 'process second'].map((name) => byName.get(name));
    expect(traced.map(({ name }) => name).sort()).toEqual(['process first', 'process second', 'send FunctionGraph', 'send first']);
    const ids = chain.map((span) => span?.spanContext().spanId);
    // The attempt and the delivery are children of the request. The following invocation is a child of the delivery.
    expect(chain.map((span) => span?.parentSpanContext?.spanId)).toEqual([CALLER, ids[0], ids[0], ids[2]]);
    expect(chain.map((span) => span?.kind)).toEqual([SpanKind.PRODUCER, SpanKind.CONSUMER, SpanKind.CLIENT, SpanKind.CONSUMER]);
    expect(byName.get('process first')?.attributes).toMatchObject({
      'messaging.system': 'nats',
      'messaging.destination.name': 'invoke.first',
      'faas.invocation_id': id,
      'sequent.attempt': 1,
    });
    // The caller gets the context of its request, and the function that of its attempt.
    expect(traceparent).toBe(traceparentOf(byName.get('send first')));
    expect(await payloadOf(id)).toBe(traceparentOf(byName.get('process first')));
  });

  test('has a span with its failure for every attempt', async () => {
    const { id, traceparent } = await invoke('fail');
    const traceId = traceparent.split('-')[1] ?? '';
    await payloadOf(id);
    await eventually(async () => spans(traceId).length === 3);
    const attempts = spans(traceId).filter(({ name }) => name === 'process fail');
    expect(attempts.map(({ attributes }) => attributes['sequent.attempt'])).toEqual([1, 2]);
    for (const { status, attributes } of attempts) {
      expect(status).toEqual({ code: SpanStatusCode.ERROR, message: expect.stringContaining('as it was told') });
      expect(attributes['error.type']).toBe('Error');
    }
  });
});
