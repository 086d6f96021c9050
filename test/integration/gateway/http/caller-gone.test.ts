import { expect, test } from 'vitest';
import { TimedOutError } from '#src/core/errors.ts';
import { startGateway } from '#src/gateway/gateway.ts';
import { openApp } from '#test/support/gateway/opened-app.ts';

const LONGER_THAN_THE_TEST = { prefer: 'wait=60' };

test('a call that waits for an outcome gives its place back when its caller is gone', async () => {
  const opened = await openApp({ limits: { requestsInFlight: 20, waiting: 1 } });
  await opened.registry.put({ name: 'slow', handler: { kind: 'inline' } });
  let waits = 0;
  const result: typeof opened.client.result = (id, { signal } = {}) => {
    waits++;
    if (waits > 1) return Promise.reject(new TimedOutError({ what: id, afterMs: 1 }));
    return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true }));
  };
  const client = { ...opened.options.client, result };
  const gateway = await startGateway({ ...opened.options, client }, { host: '127.0.0.1', port: 0, isPortNegotiable: true });
  const invoke = (signal?: AbortSignal) =>
    fetch(`${gateway.url}/api/functions/slow/invocations`, {
      method: 'POST',
      body: '{}',
      headers: LONGER_THAN_THE_TEST,
      ...(signal && { signal }),
    });

  const leaving = new AbortController();
  const left = invoke(leaving.signal).catch(() => 'left');
  await expect.poll(() => waits).toBe(1);
  expect((await invoke()).status).toBe(429);
  leaving.abort();
  expect(await left).toBe('left');
  await expect.poll(async () => (await invoke()).status).toBe(202);
  await gateway.stop(0);
});
