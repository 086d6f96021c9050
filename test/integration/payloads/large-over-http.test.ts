import { describe, expect } from 'vitest';
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
    expect([tooLarge.status, await tooLarge.text()]).toEqual([400, expect.stringContaining('at most 2000000 are accepted')]);
    const refused = await sequent.call('POST', '/api/functions/small/invocations', { body: eventOf(262_146) });
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('at most 262144 are accepted')]);
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
});
