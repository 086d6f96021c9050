import { describe, expect } from 'vitest';
import { connectClient } from '#src/client/client.ts';
import { natsOptionsOf } from '#src/nats/transport/connection/connect-options.ts';
import { startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { test } from '#test/support/fixtures.ts';
import { firstChildOf } from '#test/support/log/child-id.ts';
import { ownerAddress } from '#test/support/nats/owner-address.ts';
import { startOtlpReceiver } from '#test/support/otlp-receiver.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';

describe('OTEL_EXPORTER_OTLP_ENDPOINT alone', () => {
  test('makes sequent serve send the spans of an invocation, at the latest when it stops', async ({ folder }) => {
    await using receiver = await startOtlpReceiver();
    await using sequent = await startSequent(['--start-server', '--deploy-examples', '--nats-port', '0', '-o', 'json'], {
      SEQUENT_DATA: folder,
      SEQUENT_ROLES: 'worker,destinations',
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=staging',
    });
    const { url } = JSON.parse(sequent.readyLine.replace('sequent ready ', '')) as { url: string };
    await using client = await connectClient(natsOptionsOf(ownerAddress(url, folder)));
    // The outcome of test1 invokes test2.
    const { requestId } = await client.invoke('test1', {}, { traceparent: `00-${TRACE}-${CALLER}-01` });
    const stateOf = (id: string, name: string) =>
      client.timeline(id, { function: name }).then(
        ({ state }) => state,
        () => 'missing',
      );
    await expect.poll(() => stateOf(firstChildOf('test1', requestId), 'test2')).toBe('notified');
    expect(await sequent.signal('SIGTERM')).toBe(0);

    const spans = receiver.spans.filter(({ traceId }) => traceId === TRACE);
    const [attempt, delivery, next] = ['process test1', 'send FunctionGraph', 'process test2'].map((name) =>
      spans.find((span) => span.name === name),
    );
    expect([attempt, delivery, next].map((span) => span?.parentSpanId)).toEqual([CALLER, CALLER, delivery?.spanId]);
    expect([attempt?.links, next?.links]).toEqual([[CALLER], [delivery?.spanId]]);
    expect(attempt?.attributes).toMatchObject({ 'faas.name': 'test1', 'faas.invocation_id': requestId, 'sequent.attempt': 1 });
    expect(attempt?.resource).toMatchObject({
      'service.name': 'sequent',
      'service.version': expect.stringMatching(/^\d/),
      'deployment.environment.name': 'staging',
    });
    expect(sequent.stderr).not.toContain('spans');
  });
});
