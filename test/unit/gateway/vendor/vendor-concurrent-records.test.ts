import { beforeEach, describe, expect, test } from 'vitest';
import { ask as askApp, F, type OpenedApp, openApp } from '#test/support/gateway/opened-app.ts';

const config = { func_name: 'made', runtime: 'Node.js20.15', timeout: 9, handler: 'index.handler', memory_size: 256 };
const code = (text: string) => ({ code_type: 'inline', func_code: { file: Buffer.from(text).toString('base64') } });
const wanted = { ...config, package: 'default', ...code('exports.handler = async () => 1') };

let opened: OpenedApp;
const ask = (method: string, path: string, body?: unknown) => askApp(opened, method, path, { body });
const disable = async () => expect((await ask('PUT', `${F}/made/config-max-instance`, { max_instance_num: 0 })).status).toBe(200);
const create = async () => expect((await ask('POST', F, wanted)).status).toBe(200);
beforeEach(async () => {
  opened = await openApp();
  await create();
});

/** Lets another call be answered before the store of the gateways does the next `what` of this call. */
function answerBefore(what: 'put' | 'delete', other: () => Promise<void>): void {
  const { store } = opened.options;
  const { put, delete: remove } = store;
  const first = async (): Promise<void> => {
    Object.assign(store, { put, delete: remove });
    await other();
  };
  if (what === 'put') store.put = (...given) => first().then(() => put(...given));
  else store.delete = (...given) => first().then(() => remove(...given));
}

const expectDisabled = async () => expect((await ask('POST', `${F}/made/invocations-async`, {})).status).toBe(429);

describe('a function of the vendor API that one call disables', () => {
  test('stays disabled after a change of its configuration that was in progress', async () => {
    answerBefore('put', disable);
    expect(await (await ask('PUT', `${F}/made/config`, config)).json()).toMatchObject({ strategy_config: { concurrency: 0 } });
    await expectDisabled();
  });

  test('stays disabled after a change of its code that was in progress', async () => {
    answerBefore('put', disable);
    expect((await ask('PUT', `${F}/made/code`, code('exports.handler = async () => 2'))).status).toBe(200);
    await expectDisabled();
  });

  test.for([`${F}/made`, '/api/functions/made'])('stays disabled when the deletion of its predecessor ends: DELETE %s', async (path) => {
    answerBefore('delete', async () => {
      await create();
      await disable();
    });
    expect((await ask('DELETE', path)).status).toBe(204);
    await expectDisabled();
  });
});
