import { connect } from 'nats';
import { describe, expect } from 'vitest';
import { INVOCATIONS, RESULTS, workConsumer } from '#src/nats/wire/topology.ts';
import { guardedTest } from '#test/support/nats/guarded-system.ts';
import { startSystem } from '#test/support/nats/running-system.ts';

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

  test('are also those of earlier versions, whose streams and consumers are extended', async ({ guarded }) => {
    const admin = await connect(guarded.as('sequent'));
    const manager = await admin.jetstreamManager();
    await manager.streams.add({ name: INVOCATIONS, subjects: ['invoke.*', 'invocation.*.*', 'wake.*', 'deliver.*', 'erase.*'] });
    await manager.streams.add({ name: RESULTS, subjects: ['result.*.*'], max_age: 3_600_000_000_000 });
    const filters = { filter_subjects: ['invoke.b=hello', 'wake.b=hello'] };
    const durable = workConsumer('b=hello' as never);
    await manager.consumers.add(INVOCATIONS, { durable_name: durable, ...filters, ack_policy: 'explicit' as never, ack_wait: 1e9 });
    await admin.jetstream().publish('invoke.b=hello', '{"n":1}');
    await using system = await startSystem(guarded.as('sequent'), handlers);
    await system.publish('b=hello', '{"n":2}');
    await system.publish('b.hello', '{"n":3}');
    await system.settled();
    expect((await manager.consumers.info(INVOCATIONS, durable)).config.filter_subjects).toContain('invoke.b.hello');
    const { state } = await manager.streams.info(RESULTS, { subjects_filter: 'result.b.hello.*' });
    expect(state.subjects).toEqual({ 'result.b.hello.succeeded': 3 });
    await admin.close();
  });

  test('that name no project or no function are requests for a function that cannot exist', async ({ system }) => {
    for (const token of ['b.hello.more', 'b..hello']) await expect(system.publish(token, '{}')).rejects.toThrow();
    const sequence = await system.publish('b.no such', '{}').catch(() => system.publish('b.1st', '{}'));
    expect((await system.ports.log.readRequest(sequence))?.name.function).toBe('_');
  });
});
