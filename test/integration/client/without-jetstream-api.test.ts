import { describe, expect } from 'vitest';
import { connectClient } from '#src/client/client.ts';
import { guardedTest } from '#test/support/nats/guarded-system.ts';

const users = {
  sequent: {},
  producer: { publish: { allow: ['invoke.*'] }, subscribe: { allow: ['_INBOX_p.>', 'result.*.*'] } },
  publisher: { publish: { allow: ['invoke.*'] }, subscribe: { allow: ['_INBOX_p.>'] } },
};
const handlers = new Map([['hello', (event: unknown) => Promise.resolve({ hello: event })]]);

const test = guardedTest(users, handlers);

describe("a client whose user has no permission for JetStream's API", () => {
  test('invokes functions and receives their outcomes', async ({ guarded, system: _ }) => {
    await using client = await connectClient({ ...guarded.as('producer'), inboxPrefix: '_INBOX_p' });
    const results = await client.subscribe('hello', 'succeeded');
    const invoked = await client.invokeMany('hello', [1, 2, 3]);
    const values = await Promise.all(invoked.map(async (each) => (await each.result()).value));
    expect(values).toEqual([{ hello: 1 }, { hello: 2 }, { hello: 3 }]);
    const received: unknown[] = [];
    for await (const { value } of results) if (received.push(value) === 3) break;
    expect(received).toHaveLength(3);
    const waiting = client.result('order-7', { function: 'hello' });
    await client.invoke('hello', 'seven', { id: 'order-7' });
    expect(await waiting).toMatchObject({ requestId: 'order-7', value: { hello: 'seven' } });
  });

  test('is told which permission a method lacks, and at once when the API is required', async ({ guarded, system: _ }) => {
    const address = { ...guarded.as('producer'), inboxPrefix: '_INBOX_p' };
    await using client = await connectClient(address);
    const refused = { name: 'NotPermittedError', message: expect.stringContaining('NATS does not permit user "producer" to publish') };
    await expect(client.timeline('order-7')).rejects.toMatchObject(refused);
    await expect(client.functions.list()).rejects.toMatchObject({ message: expect.stringMatching(/permission/i) });
    await expect(connectClient({ ...address, jetstreamApi: 'required' })).rejects.toMatchObject(refused);
  });

  test('makes no request to the API when it is unused, and invokes without the permission to hear results', async ({
    guarded,
    system: _,
  }) => {
    await using client = await connectClient({ ...guarded.as('publisher'), inboxPrefix: '_INBOX_p', jetstreamApi: 'unused' });
    const refused: string[] = [];
    client.connection.refusals.listen(({ subject }) => void refused.push(subject));
    const invoked = await client.invoke('hello', 'once');
    expect(invoked.requestId).toMatch(/^[\da-f-]{36}$/);
    await expect(invoked.result()).rejects.toMatchObject({ name: 'NotPermittedError' });
    expect(refused).toEqual(['result.hello.*']);
  });
});
