import { connect } from 'nats';
import { describe, expect } from 'vitest';
import { guardedTest } from '#test/support/nats/guarded-system.ts';

const users = {
  sequent: {},
  b: { publish: { allow: ['invoke.b.*'] }, subscribe: { allow: ['result.b.*.*', '_INBOX_b.>'] } },
};
const hello = (event: unknown): Promise<unknown> => Promise.resolve({ hello: event });
const handlers = new Map(['hello', 'b=hello', 'c=hello'].map((name) => [name, hello]));

/** Ends only a test that hangs. */
const timeout = 30_000;

const test = guardedTest(users, handlers);

describe('the subjects of a project', () => {
  test('invoke its functions and carry their results, and permissions keep projects apart', async ({ guarded, system }) => {
    const client = await connect({ ...guarded.as('b'), inboxPrefix: '_INBOX_b' });
    const heard: string[] = [];
    client.subscribe('result.b.*.*', { callback: (_, message) => void heard.push(`${message.subject} ${message.string()}`) });
    for (const subject of ['invoke.c.hello', 'invoke.hello', 'invoke.b=hello', 'invoke.c=hello']) {
      await expect(client.request(subject, '{}', { timeout })).rejects.toMatchObject({ code: 'PERMISSIONS_VIOLATION' });
    }
    const { seq } = (await client.request('invoke.b.hello', '{"by":"b"}', { timeout })).json<{ seq: number }>();
    const { fact } = (await system.ports.log.readRequest(seq))?.requests[0] ?? {};
    expect(fact).toMatchObject({ function: 'b=hello' });
    await system.publish('hello', '{"by":"own"}');
    await system.publish('c.hello', '{"by":"c"}');
    await system.settled();
    await expect.poll(() => heard).toHaveLength(1);
    expect(heard[0]).toMatch(/^result\.b\.hello\.succeeded .*:b:function:default:hello:latest/);
    await client.close();
  });

  test('that name no project or no function are requests for a function that cannot exist', async ({ system }) => {
    for (const token of ['b.hello.more', 'b..hello']) await expect(system.publish(token, '{}')).rejects.toThrow();
    const sequence = await system.publish('b.no such', '{}').catch(() => system.publish('b.1st', '{}'));
    expect((await system.ports.log.readRequest(sequence))?.name.function).toBe('_');
  });
});
