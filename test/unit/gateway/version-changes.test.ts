import { beforeAll, describe, expect, test } from 'vitest';
import type { FunctionView } from '#src/gateway/api/functions/function-schemas.ts';
import { ask, type OpenedApp, openApp } from '#test/support/gateway/opened-app.ts';

let opened: OpenedApp;
const PATH = '/api/functions/grown';
beforeAll(async () => {
  opened = await openApp();
  await opened.registry.put({ name: 'target', handler: { kind: 'inline' } });
  await opened.registry.put({ name: 'grown', handler: { kind: 'inline' } });
});

const send = async (method: string, path: string, body?: object, headers: Record<string, string> = { 'if-match': '*' }) => {
  const response = await ask(opened, method, `${PATH}${path}`, { ...(body === undefined ? {} : { body }), headers });
  return { status: response.status, view: (response.status === 204 ? undefined : await response.json()) as FunctionView };
};

describe('versions and aliases over the own API', () => {
  test('are published, named with weights, moved and deleted', async () => {
    expect((await send('POST', '/versions', { version: 'v1', description: 'first' })).view.versions).toMatchObject([{ version: 'v1' }]);
    expect((await send('POST', '/versions', { version: 'v2' })).status).toBe(400);
    await opened.registry.put({ ...(await opened.registry.get('grown')).definition, timeoutInMs: 5_000 });
    expect((await send('POST', '/versions', { version: 'v2' })).status).toBe(200);
    const moved = await send('PUT', '/aliases/prod', { version: 'v1', weights: { v2: 25 } });
    expect(moved.view.aliases).toEqual([{ alias: 'prod', version: 'v1', description: '', weights: { v2: 25 } }]);
    expect((await send('PUT', '/aliases/prod', { version: 'v1', weights: { v2: 125 } })).status).toBe(400);
    expect((await send('DELETE', '/versions/v2')).status).toBe(403);
    expect((await send('PUT', '/aliases/!prod', { version: 'v1' })).view.aliases[0]?.weights).toEqual({});
    expect((await send('DELETE', '/versions/v2')).status).toBe(204);
    expect((await send('DELETE', '/aliases/prod')).status).toBe(204);
  });

  test('keep an alias that was changed after the revision that a caller read', async () => {
    const { revision } = await opened.registry.publish('grown', { version: 'v9' }).then(() => opened.registry.get('grown'));
    await opened.registry.putAlias('grown', { name: 'prod', version: 'v1' });
    const stale = await send('PUT', '/aliases/prod', { version: 'v1', weights: { v9: 25 } }, { 'if-match': `"${revision}"` });
    const { aliases, revision: newest } = await opened.registry.get('grown');
    expect([stale.status, aliases[0]?.weights]).toEqual([412, {}]);
    expect((await send('PUT', '/aliases/prod', { version: 'v9' }, { 'if-match': `"${newest}"` })).status).toBe(200);
    await send('DELETE', '/aliases/prod');
  });

  test('have policies of their own: an alias until its policy is removed', async () => {
    await send('PUT', '/aliases/shadow', { version: 'v1' });
    const onSuccess = [{ destination: 'FunctionGraph', param: '{"func_urn":"target"}' }];
    expect((await send('PATCH', '/policy?qualifier=v1', { maxRetries: 1 })).view.versions[0]?.policy).toMatchObject({ maxRetries: 1 });
    const own = (await send('PATCH', '/policy?qualifier=!shadow', { maxRetries: 3, onSuccess, backoff: { maxInMs: 90_000 } })).view;
    expect(own.aliases[0]?.policy).toMatchObject({ maxRetries: 3, onSuccess, backoff: { maxInMs: 90_000 } });
    // A change of one field of the backoff keeps the others (FN2).
    const { view: slower } = await send('PATCH', '/policy?qualifier=!shadow', { backoff: { initialInMs: 7_000 } });
    expect(slower.aliases[0]?.policy).toMatchObject({ maxRetries: 3, onSuccess, backoff: { initialInMs: 7_000, maxInMs: 90_000 } });
    expect(own.definition.policy.maxRetries).toBe(0);
    expect((await send('PATCH', '/policy?qualifier=!shadow', { maxRetries: 2 }, { 'if-match': '"1"' })).status).toBe(412);
    expect((await send('DELETE', '/policy?qualifier=!shadow')).view.aliases[0]?.policy).toBeUndefined();
    expect((await send('PATCH', '/policy?qualifier=!nobody', {})).status).toBe(404);
  });
});
