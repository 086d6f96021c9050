import { connect } from 'nats';
import { describe, expect } from 'vitest';
import { natsOptionsOf } from '#src/nats/transport/connection/connect-options.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import { embeddedTest as test } from '#test/support/nats/embedded-fixtures.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';
import { attack, contentOf, replyAttacks } from '#test/support/nats/reply-attacks.ts';

describe('a stranger who may publish invoke.* on an embedded server', () => {
  test('changes nothing by the subjects for replies and for traces that it chooses (ACC2)', async ({ start }) => {
    const { url, keyFile } = await start();
    await using owner = await openNats(natsOptionsOf({ servers: url, nkeyFile: keyFile }));
    await owner.ports.functions.put('hello', '{}');
    await owner.ports.log.accept({ function: 'other' as never, stream: 'a' as never }, [{ payload: '{}' }]);
    const { manager, nats } = owner.connection;
    const heard: string[] = [];
    // What the stranger makes the server publish to a service, which no stream keeps.
    const services = ['scheduler.find', 'destinations.>', 'history.>', 'worker.>', '$SRV.>', 'fn.>'];
    for (const subject of services) nats.subscribe(subject, { callback: (_, message) => void heard.push(message.subject) });
    await nats.flush();
    const before = await contentOf(manager, 'invoke.hello');
    const stranger = await connect({ servers: url });
    await attack(stranger, 'invoke.hello', replyAttacks(Object.keys(before)));
    const { messages, first_seq } = (await manager.streams.info(INVOCATIONS)).state;
    expect(first_seq).toBe(1);
    expect(messages).toBeGreaterThan(50);
    // A trace is a message to a subject that the stranger may publish to: a request for another function, as it may publish one.
    const after = await contentOf(manager, 'invoke.hello');
    const log = after[INVOCATIONS] as { subjects: object };
    log.subjects = Object.fromEntries(Object.entries(log.subjects).filter(([subject]) => subject !== 'invoke.stranger'));
    expect(after).toEqual(before);
    expect(heard).toEqual([]);
    await stranger.close();
  });

  test('gets the acknowledgement of each request, and each result', async ({ start }) => {
    const { url, keyFile } = await start();
    await using owner = await openNats(natsOptionsOf({ servers: url, nkeyFile: keyFile }));
    const stranger = await connect({ servers: url });
    const results: string[] = [];
    stranger.subscribe('result.hello.>', { callback: (_, message) => void results.push(message.string()) });
    await stranger.flush();
    const acknowledgements = await Promise.all([1, 2, 3].map(async () => (await stranger.request('invoke.hello', '{}')).json()));
    expect(acknowledgements).toMatchObject([1, 2, 3].map((seq) => ({ stream: INVOCATIONS, seq })));
    await owner.ports.publisher.publish('result.hello.succeeded', '{"value":1}');
    await expect.poll(() => results).toEqual(['{"value":1}']);
    await stranger.close();
  });
});
