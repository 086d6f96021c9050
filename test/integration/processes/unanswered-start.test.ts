import { expect, test } from 'vitest';
import { startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { startTcpProxy } from '#test/support/cluster/tcp-proxy.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';

test('a role starts although NATS does not answer its first requests, as a cluster that has just started', async () => {
  await using server = await startTestServer();
  await using proxy = await startTcpProxy(Number(new URL(server.url).port));
  const lost = [proxy.lose('$JS.API.STREAM.INFO.INVOCATIONS'), proxy.lose('$JS.API.STREAM.CREATE.INVOCATIONS')];
  await using scheduler = await startSequent(['--role', 'scheduler'], { NATS_URL: `nats://127.0.0.1:${proxy.port}` });
  await Promise.all(lost);
  expect(scheduler.stderr).toContain('NATS does not answer $JS.API.STREAM.CREATE.INVOCATIONS: it is asked again');
});
