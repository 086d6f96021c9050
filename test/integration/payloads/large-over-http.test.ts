import { createHash } from 'node:crypto';
import { describe, expect } from 'vitest';
import type { InvocationView } from '#src/gateway/api/invocations/invocation-schemas.ts';
import { PROJECT, STRANGER, startSequent } from '#test/support/gateway/running-gateway.ts';
import { eventOf } from '#test/support/payloads/large-event.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const test = sharedByFile(() => startSequent());
const file = new URL('../../support/payloads/import.mjs', import.meta.url).pathname;
const handler = { kind: 'process', file, export: 'measure' };

test.beforeAll(async ({ sequent }) => {
  await sequent.call('PUT', '/api/functions/import', { body: { handler, maxPayloadBytes: 2_000_000 } });
  await sequent.call('PUT', '/api/functions/small', { body: { handler } });
});

describe('an event above 256 KB over HTTP', () => {
  const wait = { prefer: 'wait=30' };

  test('is accepted as far as the function says, and the definition tells how far', async ({ sequent }) => {
    const body = eventOf(1_500_000);
    const reply = await sequent.call('POST', '/api/functions/import/invocations', { body, headers: wait });
    expect(reply.status).toBe(200);
    expect(await reply.json()).toMatchObject({ result: { payload: JSON.stringify({ length: body.length }) } });
    const tooLarge = await sequent.call('POST', '/api/functions/import/invocations', { body: eventOf(2_000_002) });
    expect([tooLarge.status, await tooLarge.text()]).toEqual([413, expect.stringContaining('at most 2000000 are accepted')]);
    const refused = await sequent.call('POST', '/api/functions/small/invocations', { body: eventOf(262_146) });
    expect([refused.status, await refused.text()]).toEqual([413, expect.stringContaining('at most 262144 are accepted')]);
    expect(await (await sequent.call('GET', '/api/functions/import')).json()).toMatchObject({
      definition: { maxPayloadBytes: 2_000_000 },
    });
  });

  test('with an Idempotency-Key is accepted once, and another event of the key is refused', async ({ sequent }) => {
    const send = (body: string) =>
      sequent.call('POST', '/api/functions/import/invocations', { body, headers: { ...wait, 'idempotency-key': 'import-1' } });
    const [first, again] = [await send(eventOf(500_000)), await send(eventOf(500_000))];
    expect([first.status, again.status, again.headers.get('idempotency-replayed')]).toEqual([200, 200, 'true']);
    expect((await send(eventOf(500_002))).status).toBe(422);
    expect((await sequent.roles.ports.payloadRemoval.list()).filter(({ owner }) => owner?.invocation === 'import-1')).toHaveLength(1);
  });

  test('of one project is reached by no request of another project that names it', async ({ sequent }) => {
    const headers = { 'x-auth-token': STRANGER.token };
    await sequent.call('PUT', '/api/functions/import', { body: { handler, maxPayloadBytes: 2_000_000 }, headers });
    await sequent.call('POST', '/api/functions/import/invocations', {
      body: eventOf(700_000),
      headers: { ...wait, 'idempotency-key': 'own-1' },
    });
    const { request } = (await (await sequent.call('GET', '/api/invocations/own-1')).json()) as { request: { payload: string } };
    expect(request.payload).toMatch(/^stored:1\.700000\./);
    // Over HTTP a reference is no event.
    const stolen = await sequent.call('POST', '/api/functions/import/invocations', { body: request.payload, headers });
    expect(stolen.status).toBe(406);
  });

  test("is refused by the vendor's API with 413, whatever the function accepts", async ({ sequent }) => {
    const urn = `urn:fss:local:${PROJECT}:function:default:import:latest`;
    const path = `/v2/${PROJECT}/fgs/functions/${urn}/invocations-async`;
    const reply = await sequent.call('POST', path, { body: eventOf(262_146) });
    expect([reply.status, await reply.json()]).toEqual([413, expect.objectContaining({ error_code: 'FSS.0413' })]);
  });

  test('and its large result are downloaded whole with their digests, by their project alone', async ({ sequent }) => {
    await sequent.call('PUT', '/api/functions/echo', { body: { handler: { ...handler, export: 'echo' }, maxPayloadBytes: 2_000_000 } });
    const body = eventOf(1_500_000);
    await sequent.call('POST', '/api/functions/echo/invocations', { body, headers: { ...wait, 'idempotency-key': 'file-1' } });
    const view = (await (await sequent.call('GET', '/api/invocations/file-1')).json()) as InvocationView;
    expect(view.request).toMatchObject({ bytes: 1_500_000, large: { bytes: 1_500_000 } });
    expect(view.result).toMatchObject({ payload: '', large: { bytes: 1_500_000 } });
    for (const [part, large] of [
      ['payload', view.request.large],
      ['result', view.result?.large],
    ] as const) {
      const path = `/api/invocations/file-1/${part}`;
      const reply = await sequent.call('GET', path);
      const text = await reply.text();
      expect([reply.status, text === body, reply.headers.get('content-type')]).toEqual([200, true, 'application/json']);
      expect(reply.headers.get('content-disposition')).toBe(`attachment; filename="file-1.${part}.json"`);
      const digest = createHash('sha256').update(text).digest();
      expect(reply.headers.get('repr-digest')).toBe(`sha-256=:${digest.toString('base64')}:`);
      expect(large?.digest).toBe(digest.toString('base64url'));
      expect((await sequent.call('GET', path, { headers: { 'x-auth-token': STRANGER.token } })).status).toBe(404);
    }
  });

  test('is gone once its object is, and a value that was dropped or never returned is refused', async ({ sequent }) => {
    const send = (name: string, key: string, body: string) =>
      sequent.call('POST', `/api/functions/${name}/invocations`, { body, headers: { ...wait, 'idempotency-key': key } });
    await send('import', 'gone-1', eventOf(500_000));
    for (const stored of await sequent.roles.ports.payloadRemoval.list())
      if (stored.owner?.invocation === 'gone-1') await sequent.roles.ports.payloadRemoval.remove(stored);
    expect((await sequent.call('GET', '/api/invocations/gone-1/payload')).status).toBe(410);
    await send('small', 'small-1', '{"n":1}');
    expect(await (await sequent.call('GET', '/api/invocations/small-1/payload')).text()).toBe('{"n":1}');
    expect((await sequent.call('GET', '/api/invocations/small-1/result')).status).toBe(200);
    await sequent.call('PUT', '/api/functions/repeat', { body: { handler: { ...handler, export: 'repeat' } } });
    await send('repeat', 'dropped-1', '{"times":300000}');
    expect((await sequent.call('GET', '/api/invocations/dropped-1/result')).status).toBe(410);
    await send('repeat', 'failed-1', '{"times":-1}');
    expect((await sequent.call('GET', '/api/invocations/failed-1/result')).status).toBe(409);
    expect((await sequent.call('GET', '/api/invocations/nothing/payload')).status).toBe(404);
  });
});
