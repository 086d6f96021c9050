import { connect, createInbox, type NatsConnection } from 'nats';
import { describe, expect } from 'vitest';
import { z } from 'zod';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import { sharedTest } from '#test/support/fixtures.ts';

const test = sharedTest.extend('stranger', { scope: 'file' }, async ({ server }, { onCleanup }) => {
  const stranger = await connect({ servers: server.url, name: 'stranger' });
  onCleanup(() => stranger.close());
  return stranger;
});

const connectionsSchema = z.object({
  connections: z.array(z.object({ name: z.string().default(''), subscriptions_list: z.array(z.string()).default([]) })),
});

/** What the processes of Sequent hear, except for their inboxes: as the server knows it, so that a new service is in it. */
async function subjectsOfSequent(monitorUrl: string): Promise<string[]> {
  const { connections } = connectionsSchema.parse(await (await fetch(`${monitorUrl}/connz?subs=1`)).json());
  const all = connections.flatMap(({ name, subscriptions_list: list }) => (name.startsWith('sequent') ? list : []));
  return [...new Set(all)].filter((subject) => !subject.startsWith('_INBOX')).sort();
}

/** The same when the projection is ready too, which starts after the other roles. */
async function untilServed(monitorUrl: string): Promise<string[]> {
  const known = ['$SRV.PING', 'history.list', 'scheduler.find', 'destinations.check'];
  await expect.poll(() => subjectsOfSequent(monitorUrl), { timeout: 30_000 }).toEqual(expect.arrayContaining(known));
  return await subjectsOfSequent(monitorUrl);
}

const questions = ['', '{}', '{"do":"list"}', 'no JSON', '{"stream":"a"}', '{"invocation":"a","attempt":1}'];
const literal = (pattern: string): string => pattern.replaceAll(/[*>]/g, 'default');

/** A worker without new lines of a running attempt gives no answer, and nobody answers a hint or a result. */
const isUnanswered = (subject: string): boolean => /^(?:worker\..*\.cancel|worker\.all\.(?:output|work)\..*|result\..*)$/.test(subject);

/** Whether a question with an inbox is answered, also by a process that is busy. */
async function isAnswered(nats: NatsConnection, subject: string): Promise<boolean> {
  const timeout = isUnanswered(subject) ? 2_000 : 30_000;
  const asked = questions.map((question) => nats.request(subject, question, { timeout }));
  return await Promise.any(asked).then(
    () => true,
    () => false,
  );
}

describe('a question with another reply subject than an inbox', () => {
  test('is answered by nothing that a process of Sequent subscribes to (ANS1)', { timeout: 60_000 }, async ({
    server,
    sequent: _,
    stranger,
  }) => {
    const heard: string[] = [];
    stranger.subscribe('attack.>', { callback: (__, message) => void heard.push(message.subject) });
    await stranger.flush();
    const subjects = (await untilServed(server.monitorUrl)).map(literal);
    const asked = subjects.flatMap((subject) => questions.map((question) => ({ subject, question })));
    for (const { subject, question } of asked) stranger.publish(subject, question, { reply: `attack.${subject}` });
    // The same questions with an inbox are answered, so the silence is none of the services. They are answered later.
    const answered = await Promise.all(subjects.map((subject) => isAnswered(stranger, subject)));
    const silent = subjects.filter((_subject, index) => answered[index] !== true);
    expect(silent.filter((subject) => !isUnanswered(subject))).toEqual([]);
    expect(heard).toEqual([]);
  });

  test('deletes no stream, and an answer to the same question reaches an inbox of any usual prefix', { timeout: 60_000 }, async ({
    nats,
    server,
    sequent: _,
    stranger,
  }) => {
    await untilServed(server.monitorUrl);
    const { created } = await nats.connection.manager.streams.info(INVOCATIONS);
    for (const api of ['STREAM.DELETE', 'STREAM.PURGE'])
      stranger.publish('history.list', 'no question', { reply: `$JS.API.${api}.${INVOCATIONS}` });
    for (const prefix of ['_INBOX', '_INBOX_sequent_history_shop', '_INBOX_pi']) {
      const inbox = createInbox(prefix);
      const answers = stranger.subscribe(inbox, { max: 1, timeout: 5_000 });
      stranger.publish('history.list', 'no question', { reply: inbox });
      for await (const answer of answers) expect(answer.headers?.get('Nats-Service-Error-Code')).toBe('400');
    }
    expect((await nats.connection.manager.streams.info(INVOCATIONS)).created).toBe(created);
  });
});
