import { expect } from 'vitest';
import { type RunningSequent, startSequent } from '#test/support/gateway/running-gateway.ts';
import { firstChildOf } from '#test/support/log/child-id.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const handlers = new URL('../../support/gateway/handlers.mjs', import.meta.url).pathname;
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const test = sharedByFile(startSequent);
let sequent: RunningSequent;

test.beforeAll(async ({ sequent: own }) => {
  sequent = own;
  const handler = { kind: 'process', file: handlers, export: 'trace' };
  await sequent.roles.registry.put({ name: 'second', handler });
  const onSuccess = [{ destination: 'FunctionGraph', param: { func_urn: 'second' } }];
  await sequent.roles.registry.put({ name: 'first', handler, policy: { onSuccess } });
});

async function returnedPayload(id: string): Promise<string> {
  for (;;) {
    const reply = await sequent.call('GET', `/api/invocations/${id}`, { headers: { prefer: 'wait=10' } });
    // The following invocation is accepted after the outcome, so it may not exist yet.
    if (reply.status === 200) return ((await reply.json()) as { result: { payload: string } }).result.payload;
  }
}

test.for(['/v2/0123456789abcdef0123456789abcdef/fgs/functions/first/invocations-async', '/api/functions/first/invocations'])(
  'without an SDK the traceparent of %s reaches the function and its destination, and is returned',
  async (path) => {
    const accepted = await sequent.call('POST', path, { body: {}, headers: { traceparent } });
    expect([accepted.status, accepted.headers.get('traceparent')]).toEqual([202, traceparent]);
    const { request_id: id } = (await accepted.json()) as { request_id: string };
    expect([await returnedPayload(id), await returnedPayload(firstChildOf('first', id))]).toEqual([traceparent, traceparent]);
  },
);

test('an invalid traceparent is dropped, and the request is accepted', async () => {
  const headers = { traceparent: '00-zz-zz-01' };
  const accepted = await sequent.call('POST', '/api/functions/first/invocations', { body: {}, headers });
  expect([accepted.status, accepted.headers.get('traceparent')]).toEqual([202, null]);
  expect(await returnedPayload(((await accepted.json()) as { request_id: string }).request_id)).toBe('none');
});
