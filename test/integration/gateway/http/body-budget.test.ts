import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BODY_BYTES } from '#src/gateway/auth/authentication.ts';
import { withToken } from '#src/gateway/auth/credentials.ts';
import { type RunningGateway, startGateway } from '#src/gateway/gateway.ts';
import { eventually } from '#test/support/gateway/eventually.ts';
import { openApp } from '#test/support/gateway/opened-app.ts';

const A = { project: 'team-a', token: 'the token of team a' };
const B = { project: 'team-b', token: 'the token of team b' };
const BODY = 31 * 1_024 * 1_024;
const SENT = 60;

let gateway: RunningGateway;
const sockets: Socket[] = [];

beforeAll(async () => {
  const { options } = await openApp({ credentials: [A, B].map(({ project, token }) => withToken(project, token)) });
  gateway = await startGateway(options, { host: '127.0.0.1', port: 0, isPortNegotiable: true });
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await gateway.stop(0);
});

/** Begins an upload whose body does not end. Calls back with the head of the answer. */
async function beginUpload(onAnswer: (head: string) => void): Promise<void> {
  const socket = connect({ port: Number(new URL(gateway.url).port), host: '127.0.0.1' });
  sockets.push(socket);
  socket.setEncoding('latin1').on('error', () => {});
  socket.once('data', (text: string) => onAnswer(text.split('\r\n\r\n')[0] ?? ''));
  await once(socket, 'connect');
  const head = ['POST /api/functions/f/packages HTTP/1.1', 'Host: 127.0.0.1', `X-Auth-Token: ${A.token}`, `Content-Length: ${BODY}`];
  socket.write(`${[...head, 'Content-Type: application/json', '', ''].join('\r\n')}{`);
}

const upload = ({ token }: typeof A) =>
  fetch(`${gateway.url}/api/functions/f/packages`, {
    method: 'POST',
    headers: { 'x-auth-token': token, 'content-type': 'application/json' },
    body: JSON.stringify({ files: [{ path: 'index.mjs', text: 'export const handler = () => 1;' }] }),
  });

test('the bodies of one project in flight are bounded in bytes, and another project can upload', async () => {
  const answers: string[] = [];
  for (let at = 0; at < SENT; at++) await beginUpload((head) => answers.push(head));
  // Of two projects one has at most half of the budget.
  const held = Math.floor(BODY_BYTES / 2 / BODY);
  await eventually(async () => answers.length >= SENT - held);
  expect(answers).toHaveLength(SENT - held);
  for (const head of answers) {
    expect(head).toContain('HTTP/1.1 429');
    expect(head.toLowerCase()).toContain('retry-after: 1');
  }
  expect((await upload(B)).status).toBe(200);
  for (const socket of sockets) socket.destroy();
  await eventually(async () => (await upload(A)).status === 200);
});
