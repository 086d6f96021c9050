import { once } from 'node:events';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { CredentialSet } from '#src/gateway/auth/credential-set.ts';
import { startGateway } from '#src/gateway/gateway.ts';
import { readTlsMaterial, ServedTls } from '#src/gateway/http/server/tls.ts';
import { type SequentProcess, startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { openApp } from '#test/support/gateway/opened-app.ts';
import { createAuthority } from '#test/support/tls/authority.ts';
import { callHttps, type HttpsOptions, type HttpsReply } from '#test/support/tls/https.ts';

const HOST = 'sequent.example';
const TOKEN = 'a token of this test';
const authority = await createAuthority();
const clients = await createAuthority('/CN=authority of clients');
const others = await createAuthority('/CN=another authority');
const [first, second, billing, orders, foreign, unknown] = await Promise.all([
  authority.issue('/CN=first', [`DNS:${HOST}`]),
  authority.issue('/CN=second', [`DNS:${HOST}`]),
  clients.issue('/CN=billing/O=Shop', ['URI:spiffe://shop/billing']),
  clients.issue('/CN=orders, DNS:billing.shop', ['DNS:orders.shop', 'email:a@shop.example']),
  others.issue('/CN=billing/O=Shop', ['URI:spiffe://shop/billing']),
  clients.issue('/CN=nobody'),
]);
const byUri = { project_id: 'shop', certificate: { san: 'URI:spiffe://shop/billing' }, roles: ['read'] };
const byName = { project_id: 'orders', certificate: { subject: { CN: 'orders, DNS:billing.shop' }, san: 'DNS:orders.shop' } };
const byToken = { project_id: 'shop', token: TOKEN };

const folder = await mkdtemp(join(tmpdir(), 'sequent-tls-'));
const [certFile, keyFile, caFile, credentialsFile] = ['cert.pem', 'key.pem', 'clients.pem', 'credentials.json'].map((name) =>
  join(folder, name),
) as [string, string, string, string];

/** Replaces a file as an administrator's tool does: by a rename. */
async function replace(file: string, content: string): Promise<void> {
  await writeFile(`${file}.new`, content);
  await rename(`${file}.new`, file);
}
async function use({ cert, key }: { cert: string; key: string }): Promise<void> {
  await replace(keyFile, key);
  await replace(certFile, cert);
}
const allow = (...entries: object[]): Promise<void> => replace(credentialsFile, JSON.stringify(entries));

let gateway: SequentProcess;
let url = '';
beforeAll(async () => {
  await Promise.all([use(first), writeFile(caFile, clients.ca), allow(byToken, byUri, byName)]);
  const tls = ['--http-tls-cert', certFile, '--http-tls-key', keyFile, '--http-tls-client-ca', caFile];
  const args = ['--role', 'gateway', '--http-port', '0', '--credentials', credentialsFile, ...tls];
  gateway = await startSequent(args, { NATS_URL: inject('natsUrl'), SEQUENT_DATA: folder, SEQUENT_PROJECT: 'shop' });
  url = / http (https:\S+)/.exec(gateway.readyLine)?.[1] ?? '';
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function call(path: string, options: Partial<HttpsOptions> = {}): Promise<HttpsReply> {
  return callHttps(url + path, HOST, { ca: authority.ca, ...options });
}
const session = async (options?: Partial<HttpsOptions>): Promise<unknown> => (await call('/api/session', options)).body;
const token = { headers: { 'x-auth-token': TOKEN } };

describe('a gateway with a TLS certificate', () => {
  test('serves HTTPS from TLS 1.2 on, keeps browsers there, and sends its cookie over TLS only', async () => {
    const reply = await call('/healthz', { maxVersion: 'TLSv1.2' });
    expect([reply.status, reply.server, reply.headers['strict-transport-security']]).toEqual([200, 'first', 'max-age=31536000']);
    await expect(call('/healthz', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })).rejects.toThrow();
    const origin = { origin: `https://${HOST}`, 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' };
    const signedIn = await call('/api/session', { method: 'POST', headers: origin, body: { token: TOKEN } });
    expect(signedIn.headers['set-cookie']).toEqual([expect.stringMatching(/HttpOnly; Secure; SameSite=Strict/)]);
  });

  test('accepts the names of its certificate as its own, and refuses other names and plain origins', async () => {
    const status = async (headers: Record<string, string>): Promise<number> => (await call('/api/session', { headers })).status;
    expect(await status({ origin: `https://${HOST}` })).toBe(200);
    expect(await status({ origin: `http://${HOST}` })).toBe(403);
    expect(await status({ host: 'rebound.example' })).toBe(403);
  });

  test('signs a client certificate in as the credential that names it, with its roles, and no other one', async () => {
    expect(await session(billing)).toMatchObject({ project: 'shop', roles: ['read'], signed_in: true });
    expect(await session(orders)).toMatchObject({ project: 'orders', signed_in: true });
    for (const client of [foreign, unknown, {}]) expect(await session(client)).toMatchObject({ project: null, signed_in: false });
    expect((await call('/api/functions', billing)).status).toBe(200);
    const refused = await call('/api/functions/f/pause', { ...billing, method: 'POST' });
    expect([refused.status, refused.body]).toMatchObject([403, { missing_role: 'deploy' }]);
    const [byOther, byNobody] = await Promise.all([call('/api/functions', foreign), call('/api/functions', unknown)]);
    expect([byOther.status, byOther.body]).toMatchObject([401, { detail: expect.stringContaining('no configured authority signed it') }]);
    expect([byNobody.status, byNobody.body]).toMatchObject([401, { detail: expect.stringContaining('belongs to no credential') }]);
    expect((await call('/api/functions', token)).status).toBe(200);
  });

  test('requires a client certificate of every call but the probes in the mode require', async () => {
    const opened = await openApp({ credentials: [{ project: 'shop', certificate: { subject: { CN: 'billing' } } }] });
    const material = readTlsMaterial({ cert: certFile, key: keyFile, clientCa: caFile });
    const options = { ...opened.options, tls: new ServedTls(material, 'require') };
    const served = await startGateway(options, { host: '127.0.0.1', port: 0, isPortNegotiable: true });
    const statuses = async (client: Partial<HttpsOptions>): Promise<number[]> => {
      const replies = ['/healthz', '/readyz', '/login', '/openapi.json', '/api/session'].map((path) =>
        callHttps(served.url + path, HOST, { ca: authority.ca, ...client }),
      );
      return (await Promise.all(replies)).map(({ status }) => status);
    };
    expect(await statuses({})).toEqual([200, 200, 403, 403, 403]);
    expect(await statuses(foreign)).toEqual([200, 200, 403, 403, 403]);
    expect((await statuses(billing)).slice(3)).toEqual([200, 200]);
    await served.stop(0);
  });
});

describe('a running gateway', () => {
  test('serves a replaced certificate to new connections, and lets the others finish', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1, maxCachedSessions: 0 });
    expect((await call('/healthz', { agent })).server).toBe('first');
    await use(second);
    await expect.poll(async () => (await call('/healthz')).server).toBe('second');
    // The first connection was idle, or ends with this answer.
    await call('/healthz', { agent }).catch(() => {});
    expect((await call('/healthz', { agent })).server).toBe('second');
    agent.destroy();
  });

  test('keeps its certificate when the new files cannot be used, and says why', async () => {
    await replace(certFile, first.cert);
    await expect.poll(() => gateway.stderr).toContain(`does not belong to the certificate ${certFile}`);
    const problems = async (): Promise<string[]> => {
      const { roles } = (await call('/api/system', token)).body as { roles: { file_problems?: string[] }[] };
      return roles.flatMap(({ file_problems = [] }) => file_problems);
    };
    // The line may be older than the last change, and a busy process may answer too late to be listed.
    await expect.poll(problems, { timeout: 40_000 }).toContainEqual(expect.stringContaining('the content before is still in use'));
    expect((await call('/healthz')).server).toBe('second');
    await use(first);
    await gateway.signal('SIGHUP');
    await expect.poll(async () => (await call('/healthz')).server).toBe('first');
  });

  test('ends the sessions and the event streams of a removed credential at once, and no others', async () => {
    const headers = { origin: `https://${HOST}`, 'content-type': 'application/json' };
    const signedIn = await call('/api/session', { method: 'POST', headers, body: { token: TOKEN } });
    const cookie = { headers: { cookie: signedIn.headers['set-cookie']?.[0]?.split(';')[0] ?? '' } };
    expect(await session(cookie)).toMatchObject({ signed_in: true });
    const stream = connect({ port: Number(new URL(url).port), servername: HOST, ca: authority.ca });
    stream.write(`GET /api/transitions HTTP/1.1\r\nHost: ${HOST}\r\nX-Auth-Token: ${TOKEN}\r\nConnection: close\r\n\r\n`);
    await once(stream, 'data');
    const ended = once(stream.resume(), 'end');
    await writeFile(credentialsFile, 'not JSON');
    await expect.poll(() => gateway.stderr).toContain('is not JSON');
    expect(await session(cookie)).toMatchObject({ signed_in: true });
    await allow(byUri, byName);
    await expect.poll(async () => await session(cookie)).toMatchObject({ signed_in: false });
    expect((await call('/api/functions', token)).status).toBe(401);
    expect(await session(billing)).toMatchObject({ project: 'shop' });
    await ended;
  });
});

test('a set of credentials keeps the identity of those that stay, and ends the others', () => {
  const stays = { project: 'a', tokenHash: Buffer.alloc(32, 1) };
  const goes = { project: 'a', tokenHash: Buffer.alloc(32, 2) };
  const set = new CredentialSet([stays, goes]);
  const [kept, removed] = [set.removalOf(stays), set.removalOf(goes)];
  set.replace([
    { project: 'a', tokenHash: Buffer.alloc(32, 1) },
    { project: 'b', tokenHash: Buffer.alloc(32, 2) },
  ]);
  expect([kept.aborted, removed.aborted, set.projects, set.list[0] === stays]).toEqual([false, true, 2, true]);
});
