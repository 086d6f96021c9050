import { expect, test } from 'vitest';
import { startSequent } from '#test/support/gateway/running-gateway.ts';

const file = new URL('../../../support/payloads/import.mjs', import.meta.url).pathname;

// Without these roles no process reads the request, as in the first milliseconds after it was accepted.
test('a request that prefers to wait is waited for while no role knows the request', async () => {
  await using sequent = await startSequent({ without: ['scheduler', 'worker'] });
  await sequent.call('PUT', '/api/functions/repeat', { body: { handler: { kind: 'process', file, export: 'repeat' } } });
  const startedAt = performance.now();
  const headers = { prefer: 'wait=1', 'idempotency-key': 'first' };
  const reply = await sequent.call('POST', '/api/functions/repeat/invocations', { body: '{"times":3}', headers });
  expect(reply.status).toBe(202);
  expect(performance.now() - startedAt).toBeGreaterThan(900);
});
