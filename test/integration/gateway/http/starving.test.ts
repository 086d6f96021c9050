import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withToken } from '#src/gateway/auth/credentials.ts';
import { type RunningGateway, startGateway } from '#src/gateway/gateway.ts';
import { type OpenedApp, openApp } from '#test/support/gateway/opened-app.ts';
import { sdkDate, sign } from '#test/support/gateway/signer.ts';

const OURS = 'a-token-of-project-a';
const THEIRS = 'a-token-of-project-b';
const KEYS = { ak: 'AK-OF-A', sk: 'the secret key of project a' };
const MB = 1_024 * 1_024;
let opened: OpenedApp;
let gateway: RunningGateway;
const sockets: Socket[] = [];

beforeAll(async () => {
  const ours = { ...withToken('a', OURS), accessKey: KEYS.ak, secretKey: KEYS.sk };
  opened = await openApp({ credentials: [ours, withToken('b', THEIRS)], limits: { requestsInFlight: 20, waiting: 20 } });
  opened.at(Date.now());
  gateway = await startGateway(opened.options, { host: '127.0.0.1', port: 0, isPortNegotiable: true });
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await gateway?.stop(0);
});

type Held = { status: string | undefined };

/** Sends the start of a request on each of many connections, and holds them. Each gets its status when the gateway answers. */
async function hold(times: number, lines: readonly string[]): Promise<Held[]> {
  return await Promise.all(
    Array.from({ length: times }, async () => {
      const held: Held = { status: undefined };
      const socket = connect({ port: Number(new URL(gateway.url).port), host: '127.0.0.1' });
      sockets.push(socket);
      socket.on('error', () => {});
      socket.once('data', (bytes) => {
        held.status = /^HTTP\/1\.1 (\d{3})/.exec(String(bytes))?.[1];
      });
      await once(socket, 'connect');
      socket.write(lines.join('\r\n'));
      return held;
    }),
  );
}

const having = (all: readonly Held[], status: string | undefined): number => all.filter((one) => one.status === status).length;
const read = async (path: string, token: string): Promise<number> => {
  const ending = new AbortController();
  const { status } = await fetch(gateway.url + path, { headers: { 'x-auth-token': token }, signal: ending.signal });
  ending.abort();
  return status;
};

describe('a project that exhausts its limits', () => {
  test('leaves event streams to the other project', async () => {
    const streams = await hold(30, ['GET /api/transitions HTTP/1.1', 'Host: 127.0.0.1', `X-Auth-Token: ${THEIRS}`, '', '']);
    await expect.poll(() => [having(streams, '200'), having(streams, '429')]).toEqual([10, 20]);
    expect(await read('/api/transitions', OURS)).toBe(200);
  });

  test('leaves requests to the other project, while its own bodies do not arrive', async () => {
    const lines = ['Host: 127.0.0.1', `X-Auth-Token: ${THEIRS}`, 'Content-Length: 99', '', '{'];
    const slow = await hold(30, ['PUT /v2/b/fgs/functions/none/config HTTP/1.1', ...lines]);
    await expect.poll(() => having(slow, '429')).toBe(20);
    expect(having(slow, undefined)).toBe(10);
    expect(await read('/api/machine', OURS)).toBe(200);
  });
});

test('60 large bodies that only name an access key use bounded memory, and other callers are accepted', async () => {
  const path = '/v2/a/fgs/functions';
  const length = 31 * MB;
  const headers = { host: '127.0.0.1', 'x-sdk-date': sdkDate(Date.now()) };
  const authorization = sign({ method: 'POST', path, headers, body: '' }, KEYS);
  const lines = [`Host: 127.0.0.1`, `X-Sdk-Date: ${headers['x-sdk-date']}`, `Authorization: ${authorization}`, `Content-Length: ${length}`];
  const large = await hold(60, [`POST ${path} HTTP/1.1`, ...lines, '', '{']);
  // Only the bodies of the four other requests are read: 124 MB of 1,860.
  await expect.poll(() => having(large, '429')).toBe(56);
  expect(having(large, undefined)).toBe(4);
  expect(await read('/api/machine', OURS)).toBe(200);
});
