import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { refusalOf, SDK_HOME, sdkFor } from '#test/support/conformance/sdk.ts';
import { OTHER_TOKEN, OWN, type RawCall, type System, startSystem } from '#test/support/conformance/system.ts';
import { sdkDate, sign } from '#test/support/gateway/signer.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

/* Rows 1 to 10: the accepted events, and the accepted callers. */

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const MAX_BYTES = 262_144;

const test = sharedByFile(startSystem);
let system: System;
let test1: string;
const functionsPath = `/v2/${OWN.project}/fgs/functions`;

test.beforeAll(async ({ sequent: own }) => {
  system = own;
  test1 = await system.deploy('test1');
});

const invoke = (urn: string, body: unknown) => system.sdk.asyncInvokeFunction({ function_urn: urn, body });
const rawInvoke = (urn: string, call: RawCall) => system.raw('POST', `${functionsPath}/${urn}/invocations-async`, call);
const countOf = async (urn: string): Promise<number> => (await system.sdk.listAsyncInvocations({ function_urn: urn })).count;

describe('an accepted event', () => {
  test('row 1: is answered with 202 and only a request id, a new UUID', async () => {
    const replies = await Promise.all(Array.from({ length: 20 }, (_, n) => invoke(test1, { n })));
    for (const reply of replies) {
      expect(Object.keys(reply).sort()).toEqual(['httpStatusCode', 'request_id']);
      expect(reply).toMatchObject({ httpStatusCode: 202, request_id: expect.stringMatching(UUID) });
    }
    expect(new Set(replies.map(({ request_id }) => request_id)).size).toBe(20);
    const raw = await rawInvoke(test1, { body: '{"n":1}' });
    expect([raw.status, Object.keys((await raw.json()) as object)]).toEqual([202, ['request_id']]);
  });

  test('row 2: is answered before the function has run', async () => {
    const { request_id } = await invoke(test1, { gate: 'row 2' });
    // The function cannot end before the test opens the gate, after the reply.
    const { status } = await system.record(test1, request_id);
    expect(['WAIT', 'RUNNING']).toContain(status);
    system.openGate('row 2');
    await system.record(test1, request_id, (record) => record.status === 'SUCCESS');
  });

  test('row 4: may have 262,144 bytes; one byte more is refused with 413 and not queued', async () => {
    const eventOf = (bytes: number): string => JSON.stringify({ pad: 'x'.repeat(bytes - '{"pad":""}'.length) });
    expect((await rawInvoke(test1, { body: eventOf(MAX_BYTES) })).status).toBe(202);
    const before = await countOf(test1);
    const refused = await rawInvoke(test1, { body: eventOf(MAX_BYTES + 1) });
    expect([refused.status, await refused.json()]).toEqual([413, expect.objectContaining({ error_code: 'FSS.0413' })]);
    expect(await refusalOf(invoke(test1, { pad: 'x'.repeat(MAX_BYTES) }))).toMatchObject({ httpStatusCode: 413, errorCode: 'FSS.0413' });
    expect(await countOf(test1)).toBe(before);
  });

  test('row 5: is JSON; any other body is refused with 406 and not queued', async () => {
    const before = await countOf(test1);
    for (const body of ['{"a":', 'aaa', '{"a":1}}', "{'a':1}", '\u0000']) {
      const refused = await rawInvoke(test1, { body });
      expect([refused.status, await refused.json()]).toEqual([406, expect.objectContaining({ error_code: 'FSS.0406' })]);
    }
    expect(await countOf(test1)).toBe(before);
    for (const event of [{ a: 1 }, ['a'], 'text', 5, {}, []]) expect((await invoke(test1, event)).httpStatusCode).toBe(202);
  });
});

describe('a function', () => {
  test('row 3: that is unknown, or whose version or alias is unknown or deleted, is refused with 404', async () => {
    const missing = await refusalOf(invoke(test1.replace('test1', 'nobody'), {}));
    expect(missing).toMatchObject({ httpStatusCode: 404, errorCode: 'FSS.1051', errorMsg: expect.stringContaining('nobody') });
    const urn = await system.deploy('passing');
    const at = (qualifier: string): string => urn.replace(/latest$/, qualifier);
    expect(await refusalOf(invoke(at('v1'), {}))).toMatchObject({ httpStatusCode: 404, errorCode: 'FSS.1052' });
    expect(await refusalOf(invoke(at('!prod'), {}))).toMatchObject({ httpStatusCode: 404, errorCode: 'FSS.1053' });
    await system.sdk.createFunctionVersion({ function_urn: urn, body: { version: 'v1' } });
    await system.sdk.createVersionAlias({ function_urn: urn, body: { name: 'prod', version: 'v1' } });
    expect((await invoke(at('v1'), {})).httpStatusCode).toBe(202);
    expect((await invoke(at('!prod'), {})).httpStatusCode).toBe(202);
    await system.sdk.deleteVersionAlias({ function_urn: urn, alias_name: 'prod' });
    await system.sdk.deleteFunction({ function_urn: at('v1') });
    expect(await refusalOf(invoke(at('v1'), {}))).toMatchObject({ httpStatusCode: 404, errorCode: 'FSS.1052' });
    expect(await refusalOf(invoke(at('!prod'), {}))).toMatchObject({ httpStatusCode: 404, errorCode: 'FSS.1053' });
    await system.sdk.deleteFunction({ function_urn: urn.replace(/:latest$/, '') });
    expect(await refusalOf(invoke(urn, {}))).toMatchObject({ httpStatusCode: 404, errorCode: 'FSS.1051' });
  });

  test('row 6: that is disabled by a maximum of 0 instances is refused with 429 until it is enabled', async () => {
    const urn = await system.deploy('disabled');
    const allow = (max_instance_num: number) =>
      system.sdk.updateFunctionMaxInstanceConfig({ function_urn: urn, body: { max_instance_num } });
    expect(await allow(0)).toMatchObject({ httpStatusCode: 200, strategy_config: { concurrency: 0 } });
    expect(await refusalOf(invoke(urn, {}))).toMatchObject({ httpStatusCode: 429, errorCode: 'FSS.0429' });
    expect(await allow(-1)).toMatchObject({ strategy_config: { concurrency: -1 } });
    expect((await invoke(urn, {})).httpStatusCode).toBe(202);
  });

  test('row 7: of the type HTTP cannot be created, and therefore not be invoked asynchronously', async () => {
    const refused = await refusalOf(system.deploy('web', { runtime: 'http' }));
    expect(refused).toMatchObject({ httpStatusCode: 400, errorCode: 'FSS.1005' });
    expect(await refusalOf(invoke(test1.replace('test1', 'web'), {}))).toMatchObject({ httpStatusCode: 404 });
  });

  test('row 8: is invoked by every form of its URN, raw and percent-encoded', async () => {
    const urn = await system.deploy('forms');
    await system.sdk.createFunctionVersion({ function_urn: urn, body: { version: 'v1' } });
    await system.sdk.createVersionAlias({ function_urn: urn, body: { name: 'live', version: 'v1' } });
    const full = urn.replace(/:latest$/, '');
    const forms = ['forms', 'default:forms', `${OWN.project}:default:forms`, `${OWN.project}:default:forms:latest`, full, urn];
    forms.push(`${OWN.project}:default:forms:v1`, `${OWN.project}:default:forms:!live`, `${full}:v1`, `${full}:!live`);
    const ids = await Promise.all(
      forms.flatMap((form) => {
        const encoded = encodeURIComponent(form).replaceAll('!', '%21');
        return [form, encoded].map(async (path) => {
          const reply = await rawInvoke(path, { body: '{}' });
          expect([path, reply.status]).toEqual([path, 202]);
          return ((await reply.json()) as { request_id: string }).request_id;
        });
      }),
    );
    for (const id of ids) await system.record('forms', id, ({ status }) => status === 'SUCCESS');
    const ran = system.effects('forms').map(({ request, version }) => [request, version]);
    expect(new Set(ran.map(([request]) => request))).toEqual(new Set(ids));
    // The last four forms, twice each.
    expect(ran.filter(([, version]) => version === 'v1')).toHaveLength(8);
    for (const wrong of ['a:b:c:d:e', 'urn:fss:local', 'no%20name', '1st'])
      expect((await rawInvoke(wrong, { body: '{}' })).status).toBe(400);
  });
});

describe('a caller', () => {
  const path = `${functionsPath}/${encodeURIComponent('default:test1')}/invocations-async`;
  const body = '{"signed":true}';

  function signed({ at = Date.now(), sk = OWN.sk, without = '', extra = {} as Record<string, string> } = {}) {
    const headers: Record<string, string> = {
      'content-type': 'application/json',
      host: new URL(system.url).host,
      'x-sdk-date': sdkDate(at),
      'x-nonce': createHash('sha256').update(`${Math.random()}`).digest('hex'),
      ...extra,
    };
    const { host: _, ...sent } = headers;
    if (without !== '') delete headers[without];
    const authorization = sign({ method: 'POST', path, headers, body }, { ak: OWN.ak, sk });
    return system.raw('POST', path, { token: '', body, headers: { ...sent, authorization } });
  }

  test('row 9: authenticates by the signature of the SDK, or by a token', async () => {
    expect((await invoke(test1, {})).httpStatusCode).toBe(202);
    expect((await signed()).status).toBe(202);
    expect((await rawInvoke(test1, { body })).status).toBe(202);
  });

  test.for<[string, () => Promise<Response>]>([
    ['no authentication', () => rawInvoke(test1, { body, token: '' })],
    ['an unknown token', () => rawInvoke(test1, { body, token: 'nobody' })],
    ['a signature by another key', () => signed({ sk: 'another key' })],
    ['a date 16 minutes ago', () => signed({ at: Date.now() - 16 * 60_000 })],
    ['a date 16 minutes ahead', () => signed({ at: Date.now() + 16 * 60_000 })],
    ['a date that is not signed', () => signed({ without: 'x-sdk-date' })],
  ])('row 9: with %s is refused with 401', async ([, call]) => {
    const refused = await call();
    expect([refused.status, await refused.json()]).toEqual([401, expect.objectContaining({ error_code: 'APIGW.0301' })]);
  });

  test('row 9: with a wrong secret gets the error that the SDK throws for a 401', async () => {
    const stranger = sdkFor(system.url, { ...OWN, sk: 'guessed' });
    const refused = await refusalOf(stranger.asyncInvokeFunction({ function_urn: test1, body: {} }));
    expect(refused).toMatchObject({ httpStatusCode: 401, errorCode: 'APIGW.0301', requestId: expect.stringMatching(/./) });
  });

  test('row 9: with a body other than the signed one is refused with 401, even if the SDK signed none', async () => {
    for (const event of ['', 0, false]) expect(await refusalOf(invoke(test1, event))).toMatchObject({ httpStatusCode: 401 });
    for (const event of [{}, []]) expect((await invoke(test1, event)).httpStatusCode).toBe(202);
  });

  test('row 10: of another project is refused with 403', async () => {
    const stranger = sdkFor(system.url, { ...OWN, project: 'another-project' });
    expect(await refusalOf(stranger.asyncInvokeFunction({ function_urn: test1, body: {} }))).toMatchObject({ httpStatusCode: 403 });
    expect(await refusalOf(system.other.asyncInvokeFunction({ function_urn: test1, body: {} }))).toMatchObject({
      httpStatusCode: 403,
      errorCode: 'FSS.0403',
    });
    expect((await rawInvoke(test1, { body, token: OTHER_TOKEN })).status).toBe(403);
  });
});

test('the SDK of these tests writes into its own home folder', () => {
  expect(homedir()).toBe(SDK_HOME);
  expect(existsSync(join(SDK_HOME, '.huaweicloud'))).toBe(true);
  expect(existsSync('HuaweiCloud-SDK-Access.log')).toBe(false);
});
