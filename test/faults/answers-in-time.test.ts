import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '#test/support/gateway/eventually.ts';
import { type Answered, expectInTime, invocations, requests, type Sent, send, sendAll } from '#test/support/gateway/every-request.ts';
import { type RunningSequent, startSequent } from '#test/support/gateway/running-gateway.ts';
import { MINE } from '#test/support/matrix/route-rules.ts';

let sequent: RunningSequent;
let readable: Sent[];

/** What the requests of an outage deleted, such as the function, is there again. */
async function isRestored(): Promise<string[]> {
  await sequent.call('PUT', `/api/functions/${MINE.function}`, { body: { handler: { kind: 'subject', subject: 'fn.mine' } } });
  const answers = await Promise.all(readable.map((request) => send(sequent, request)));
  return answers.filter(({ status }) => status !== 200).map(({ route, status }) => `${route} ${status}`);
}

async function readAll(): Promise<Answered[]> {
  return await Promise.all(requests.filter(({ method }) => method === 'GET').map((request) => send(sequent, request)));
}

beforeAll(async () => {
  sequent = await startSequent({ with: ['projection'] });
  await sequent.call('PUT', `/api/functions/${MINE.function}`, { body: { handler: { kind: 'subject', subject: 'fn.mine' } } });
  await send(sequent, { ...(invocations[1] as Sent), headers: { 'idempotency-key': MINE.id } });
  await eventually(async () => (await sequent.call('GET', `/api/invocations/${MINE.id}`)).status === 200);
  const answered = await readAll();
  readable = requests.filter(({ route }) => answered.some((one) => one.route === route && one.status === 200));
  expect(readable.length).toBeGreaterThan(25);
});
afterAll(() => sequent[Symbol.asyncDispose]());

describe.each([
  ['holds its connections and answers nothing', () => sequent.server.pause(), () => sequent.server.resume()],
  ['was killed', () => sequent.server.kill(), () => sequent.server.restart()],
] as [string, () => unknown, () => unknown][])('while a nats-server %s', (_, begin, end) => {
  test('every route answers within ten seconds, and says what is unknown, and answers as before afterwards', {
    timeout: 120_000,
  }, async () => {
    await begin();
    const answers = await sendAll(sequent);
    await end();
    expect(expectInTime(answers).length).toBeGreaterThan(20);
    // No accepted request is called refused: only one that was not sent may be repeated without its key.
    for (const { route } of invocations) {
      const found = answers.find((answer) => answer.route === route);
      expect(`${route}: ${found?.text}`).toMatch(/unknown|nothing was accepted/);
    }
    await expect.poll(isRestored, { timeout: 30_000 }).toEqual([]);
  });
});
