import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { verifyLog } from '#src/cli/history/verify-log.ts';
import { startWorker } from '#src/client/client.ts';
import { encryptProject, eraseProject } from '#src/core/encryption/change-project.ts';
import { parseMasterKeys } from '#src/core/encryption/master-keys.ts';
import { ERASED } from '#src/core/encryption/payload-sealer.ts';
import { SecretSealer } from '#src/core/encryption/secret-sealer.ts';
import { createStreamId } from '#src/core/names/ids.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { createFunctionRegistry } from '#src/functions/registry.ts';
import type { SystemView } from '#src/gateway/api/system/system-schemas.ts';
import { readKeys } from '#src/main/roles/encryption.ts';
import { createPlainRequestsFinder } from '#src/main/roles/janitor-role.ts';
import { subscribeToLiveResults } from '#src/nats/streams/results/live-results.ts';
import { filesWith } from '#test/support/archive/files-with.ts';
import { openJanitorOn } from '#test/support/archive/opened-janitor.ts';
import { runCli } from '#test/support/cli/cli.ts';
import { openReceiver } from '#test/support/destinations/receiver.ts';
import { PROJECT, type RunningSequent, STRANGER, startSequent } from '#test/support/gateway/running-gateway.ts';
import { type OpenedNats, openNats } from '#test/support/nats/opened-nats.ts';

const folder = await mkdtemp(join(tmpdir(), 'sequent-encryption-'));
afterAll(() => rm(folder, { recursive: true }));
const keyFile = join(folder, 'keys');
const newKey = (id: string): string => `${id} ${randomBytes(32).toString('base64')}\n`;
const handler = { kind: 'process', file: fileURLToPath(new URL('../support/gateway/handlers.mjs', import.meta.url)), export: 'check' };
const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

async function ask(sequent: RunningSequent, name: string, secret: string): Promise<unknown> {
  const options = { body: { sha256: hashOf(secret) }, headers: { prefer: 'wait=30' } };
  return await (await sequent.call('POST', `/api/functions/${name}/invocations`, options)).json();
}

const WAITING = { timeout: 20_000, interval: 50 };
/** For commands, each of which starts a process. */
const PATIENT = { timeout: 60_000, interval: 50 };

/** Publishes a request as a client without the keys does. */
async function publishPlain({ ports }: OpenedNats, name: string, text: string): Promise<{ stream: string }> {
  const stream = createStreamId(Date.now(), randomBytes(8));
  await ports.log.accept({ function: name as FunctionName, stream }, [{ payload: JSON.stringify({ text }) }]);
  return { stream };
}

describe('secret user data with an encryption key', () => {
  test('reaches the function, and is in no file of the server', async () => {
    const secret = `secret ${randomBytes(9).toString('hex')}`;
    await writeFile(keyFile, newKey('k1'));
    await using sequent = await startSequent({ encryptionKey: { file: keyFile } });
    const put = await sequent.call('PUT', '/api/functions/sealed', { body: { handler, secretUserData: { secret } } });
    expect(put.status).toBe(200);
    expect(await ask(sequent, 'sealed', secret)).toMatchObject({ result: { payload: 'true' } });
    expect(await filesWith(secret, sequent.server.dataDir)).toEqual([]);
    // After a rotation, no file has the data key as the earlier master key wrapped it.
    const { state } = sequent.roles.ports;
    const { wrapped } = JSON.parse((await state.get('data-key.own'))?.value ?? '{}') as { wrapped: string };
    const rotated = parseMasterKeys(newKey('k2') + (await readFile(keyFile, 'utf8')), 'the keys');
    await new SecretSealer(state, rotated).replaceKeys(rotated);
    expect((await state.get('data-key.own'))?.value).toContain('"master":"k2"');
    expect(await filesWith(wrapped, sequent.server.dataDir)).toEqual([]);
  });

  test('is sealed once a process with the key finds it unsealed', async () => {
    await writeFile(keyFile, newKey('k1'));
    await using sequent = await startSequent({ encryptionKey: { file: keyFile } });
    await using nats = await openNats(sequent.server.url);
    const registry = createFunctionRegistry(nats.ports.functions);
    await registry.put({ name: 'plain', handler, secretUserData: { secret: 'stored as it is' } });
    const stored = async (): Promise<string> => (await nats.ports.functions.get('plain'))?.value ?? '';
    await expect.poll(stored).toContain('"secret":"sealed:1:');
    expect(await ask(sequent, 'plain', 'stored as it is')).toMatchObject({ result: { payload: 'true' } });
  });
});

describe('the payloads of a project that encrypts them', () => {
  test('are plain text in no file, reach functions and readers, and end with the keys of the project', {
    timeout: 120_000,
  }, async () => {
    const secret = `secret${randomBytes(9).toString('hex')}`;
    const plain = `plain${randomBytes(9).toString('hex')}`;
    await writeFile(keyFile, newKey('k1'));
    await using receiver = await openReceiver();
    const connections = { http: { kind: 'http', allowPrivate: true, allowHttp: true, ports: [receiver.port] } };
    await using sequent = await startSequent({ with: ['projection'], connections, encryptionKey: { file: keyFile } });
    const { ports } = sequent.roles;
    const speak = { ...handler, export: 'speak' };
    // The worker opens what a condition compares (WHEN1).
    const [fails, says] = [
      { of: 'request', path: '$.fails', equals: true },
      { of: 'response', path: '$.text', exists: true },
    ];
    const onFailure = [{ destination: 'HTTP', param: JSON.stringify({ url: receiver.url }), when: fails }];
    const onSuccess = [{ destination: 'FunctionGraph', param: JSON.stringify({ func_urn: 'echo' }), when: says }];
    await sequent.call('PUT', '/api/functions/echo', { body: { handler: { ...handler, export: 'speak' } } });
    await sequent.call('PUT', '/api/functions/speak', {
      body: { handler: speak, maxPayloadBytes: 1_000_000, maxOutputBytes: 100_000, policy: { onSuccess, onFailure } },
    });
    const stranger = { 'x-auth-token': STRANGER.token };
    await sequent.call('PUT', '/api/functions/speak', { body: { handler: speak }, headers: stranger });
    const keys = await readKeys({ file: keyFile });
    await encryptProject(ports.functions, undefined, { keys, now: Date.now() - 60_000 });
    await encryptProject(ports.functions, STRANGER.project, { keys, now: Date.now() - 60_000 });

    const results: string[] = [];
    await using nats = await openNats(sequent.server.url);
    await subscribeToLiveResults(nats.connection, '*', (_, envelope) => results.push(envelope));
    const invoke = async (body: object, headers = {}): Promise<{ request_id: string; [field: string]: unknown }> =>
      (await (
        await sequent.call('POST', '/api/functions/speak/invocations', { body, headers: { prefer: 'wait=30', ...headers } })
      ).json()) as never;

    // Readers over HTTP.
    const returned = await invoke({ text: secret });
    expect(returned).toMatchObject({
      request: { payload: JSON.stringify({ text: secret }) },
      result: { payload: JSON.stringify({ text: secret }) },
    });
    expect(JSON.stringify(returned)).toContain(`printed ${secret}`);
    const failed = await invoke({ text: secret, fails: true });
    expect(failed).toMatchObject({ failure: { message: expect.stringContaining(`failed with ${secret}`) } });
    await vi.waitFor(() => {
      expect(JSON.parse(receiver.received[0]?.body ?? '{}')).toMatchObject({
        request_payload: JSON.stringify({ text: secret, fails: true }),
        response_context: { function_error: expect.stringContaining(`failed with ${secret}`) },
      });
    }, WAITING);
    const logs = (headers = {}) => sequent.call('GET', '/api/functions/speak/logs', { headers }).then((reply) => reply.text());
    expect(await logs()).toContain(`printed ${secret}`);
    expect(await logs(stranger)).not.toContain(secret);
    const ofStranger = await invoke({ text: 'of a stranger' }, stranger);
    const found = async (): Promise<{ invocations: { request_id: string; function: string; error?: string }[] }> =>
      (await (await sequent.call('GET', '/api/invocations')).json()) as never;
    const child = await vi.waitFor(async () => {
      const { invocations } = await found();
      expect(invocations.find(({ request_id: id }) => id === failed.request_id)?.error).toContain(secret);
      const derived = invocations.find(({ function: name }) => name === 'echo');
      return derived ?? Promise.reject(new Error('no child yet'));
    }, WAITING);
    const readChild = async (): Promise<string> =>
      await (await sequent.call('GET', `/api/invocations/${child.request_id}?include=events`)).text();
    expect(await readChild()).toContain(secret);

    // A key is compared with the opened payload of the earlier request.
    const key = { 'idempotency-key': 'one' };
    await invoke({ text: 'a' }, key);
    const repeat = (text: string) => sequent.call('POST', '/api/functions/speak/invocations', { body: { text }, headers: key });
    expect([(await repeat('a')).status, (await repeat('b')).status]).toEqual([202, 422]);

    // A large payload is an object beside the log.
    const large = { text: secret, more: 'x'.repeat(400_000) };
    const sent = await sequent.call('POST', '/api/functions/speak/invocations', {
      body: large,
      headers: { 'idempotency-key': 'large', prefer: 'wait=30' },
    });
    expect(await sent.json()).toMatchObject({
      request: { payload: expect.stringMatching(/^stored:1\.\d+\.[\w-]{43}\.1$/) },
      result: { payload: `{"text":"${secret}"}` },
    });
    const resent = (body: object) =>
      sequent.call('POST', '/api/functions/speak/invocations', { body, headers: { 'idempotency-key': 'large' } });
    expect([(await resent(large)).status, (await resent({ ...large, text: 'b' })).status]).toEqual([202, 422]);

    // So is the whole output, whose end alone is in the log.
    await invoke({ text: `${secret}${'y'.repeat(6_000)}` });
    const whole = await sequent.call('GET', '/api/functions/speak/logs?whole=true');
    expect(await whole.text()).toContain(`printed ${secret}yyy`);

    // A client without the keys.
    const { stream } = await publishPlain(nats, 'speak', plain);
    await vi.waitFor(async () => {
      expect(await (await sequent.call('GET', `/api/invocations/${stream}`)).text()).toContain('is not encrypted');
      expect(results.some((envelope) => envelope.includes(stream))).toBe(true);
    }, WAITING);
    // The request alone has the text. Doctor and the page System report it, and each process without the keys.
    expect(results.filter((envelope) => envelope.includes(plain))).toEqual([]);
    await using keyless = await startWorker({ servers: sequent.server.url, functions: [], tenancy: { region: 'local', project: PROJECT } });
    expect(keyless).toBeDefined();
    await vi.waitFor(async () => {
      const system = (await (await sequent.call('GET', '/api/system')).json()) as SystemView;
      expect(system.plain_requests).toMatchObject([{ function: 'speak', requests: 1, is_at_least: false }]);
      expect(system.roles.flatMap(({ missing_keys = [] }) => missing_keys).sort()).toEqual([PROJECT, STRANGER.project].sort());
    }, WAITING);
    // A busy process may answer doctor too late.
    await vi.waitFor(async () => {
      const doctor = await runCli(['doctor', '--json'], { env: { NATS_URL: sequent.server.url } });
      const { findings } = JSON.parse(doctor.stdout) as { findings: { check: string; seen: string }[] };
      expect(findings.filter(({ check }) => check === 'encryption' || check === 'function speak')).toMatchObject([
        { seen: expect.stringContaining(`has no key for the payloads of`) },
        { seen: expect.stringContaining('1 request came in plain text') },
      ]);
    }, PATIENT);
    expect(results.length).toBeGreaterThan(3);
    expect(results.join()).toContain('sealed:2.1.');

    // Verified, archived and searched without a key.
    const archive = join(sequent.folder, 'archive');
    expect(await filesWith(plain, sequent.server.dataDir, sequent.folder)).not.toEqual([]);
    const findPlainRequests = await createPlainRequestsFinder(nats.connection);
    await using janitor = await openJanitorOn(sequent.server.url, archive, { retention: { maxAgeInMs: 0 }, findPlainRequests });
    const { created: log } = await janitor.log.state();
    await vi.waitFor(async () => {
      await janitor.janitor.work();
      expect((await janitor.archive.segments(log)).length).toBeGreaterThan(0);
    }, WAITING);
    // The janitor erases the request in plain text by itself, and nothing else.
    await vi.waitFor(async () => {
      await janitor.janitor.work();
      expect(await filesWith(plain, sequent.server.dataDir, sequent.folder)).toEqual([]);
    }, WAITING);
    expect((await sequent.call('GET', `/api/invocations/${stream}`)).status).toBe(404);
    // The last invocations may still end.
    const verified = await vi.waitFor(async () => {
      const found = await verifyLog({ archive: janitor.archive, source: janitor.log, log, head: await janitor.head() });
      expect(found.balance.open).toEqual({});
      return found;
    }, WAITING);
    expect(verified).toMatchObject({ found: 0, balance: { open: {} } });
    expect(await filesWith(secret, sequent.server.dataDir, sequent.folder)).toEqual([]);
    expect(results.filter((envelope) => envelope.includes(secret))).toEqual([]);
    expect(await (await sequent.call('GET', `/api/invocations?text=${secret}`)).json()).toMatchObject({ invocations: [] });

    // Erased, with every copy of the wrapped data key.
    const { wrapped } = JSON.parse((await ports.functions.get('payload-key.own.1.k1'))?.value ?? '{}') as { wrapped: string };
    expect(await filesWith(wrapped, sequent.server.dataDir)).not.toEqual([]);
    await eraseProject({ store: ports.functions, secrets: ports.state }, undefined, { by: 'a test', at: Date.now() });
    expect(await filesWith(wrapped, sequent.server.dataDir)).toEqual([]);
    for (const { request_id: id } of [returned, failed, child]) {
      const answer = await sequent.call('GET', `/api/invocations/${id}?include=events`);
      const text = await answer.text();
      expect([answer.status, text.includes(secret), text.includes(ERASED)]).toEqual([200, false, true]);
    }
    expect(JSON.stringify(await found())).not.toContain(secret);
    expect(await invoke({ text: 'too late' })).toMatchObject({ detail: expect.stringContaining('was erased, and its payloads with it') });
    const other = await sequent.call('GET', `/api/invocations/${ofStranger.request_id}`, { headers: stranger });
    expect(await other.text()).toContain('of a stranger');
  });
});
