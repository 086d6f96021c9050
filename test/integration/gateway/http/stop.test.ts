import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect, test } from 'vitest';
import { createServerCloser } from '#src/gateway/http/server/close-server.ts';

/** Longer than the time limit of a test, so a test that waits for the whole grace period fails. */
const GRACE_IN_MS = 60_000;

test('a server with idle connections, used and unused, closes at once', async () => {
  const server = createServer((_, response) => response.end('answered'));
  const close = createServerCloser(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const silent = connect(port, '127.0.0.1');
  await once(silent, 'connect');
  expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe('answered');
  const ended = once(silent, 'close');
  await close(GRACE_IN_MS);
  await ended;
});

test('a closing server finishes a response in progress, and then closes its connection', async () => {
  let finish = (): void => {};
  const server = createServer((_, response) => {
    response.write('the beginning, ');
    finish = () => void response.end('and the end');
  });
  const close = createServerCloser(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const [response] = (await once(get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' }), 'response')) as [
    IncomingMessage,
  ];
  const closed = close(GRACE_IN_MS);
  finish();
  let text = '';
  for await (const chunk of response) text += String(chunk);
  expect(text).toBe('the beginning, and the end');
  await closed;
});
