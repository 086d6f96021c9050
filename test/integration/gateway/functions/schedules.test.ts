import { describe, expect } from 'vitest';
import { eventually } from '#test/support/gateway/eventually.ts';
import { type RunningSequent, startSequent } from '#test/support/gateway/running-gateway.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const test = sharedByFile(() => startSequent());
let sequent: RunningSequent;
const file = new URL('../../../support/gateway/handlers.mjs', import.meta.url).pathname;
/** No fire time comes while the tests run, so the next ones stay. */
const yearly = { cron: '0 3 1 1 *', time_zone: 'Europe/Berlin', function: 'greet', event: { n: 1 } };

test.beforeAll(async ({ sequent: own }) => {
  sequent = own;
  const handler = { kind: 'process', file, export: 'greet' };
  expect((await sequent.call('PUT', '/api/functions/greet', { body: { handler } })).status).toBe(200);
});

const call = async (method: string, path: string, body?: unknown) => {
  const response = await sequent.call(method, `/api/schedules${path}`, body === undefined ? {} : { body });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
};

describe('a schedule over HTTP', () => {
  test('is stored, listed with its next fire times, paused, resumed and deleted', async () => {
    const stored = await call('PUT', '/yearly', yearly);
    expect(stored).toMatchObject({ status: 200, body: { ...yearly, name: 'yearly', overlap: 'skip', paused: false, fired: 0 } });
    expect((await call('GET', '/yearly?next=2')).body.next).toEqual(stored.body.next.slice(0, 2));
    expect((await call('GET', '?next=3')).body.schedules).toMatchObject([{ name: 'yearly', next: stored.body.next.slice(0, 3) }]);
    expect((await call('GET', '')).body.schedules).toMatchObject([{ name: 'yearly', next: [stored.body.next[0]] }]);
    expect((await call('POST', '/yearly/pause')).body).toMatchObject({ paused: true, next: [] });
    expect((await call('POST', '/yearly/resume')).body).toMatchObject({ paused: false, next: stored.body.next });
    expect((await call('DELETE', '/yearly')).status).toBe(204);
    expect(await call('GET', '/yearly')).toMatchObject({ status: 404, body: { code: 'SCHEDULE_NOT_FOUND' } });
  });

  test('keeps its event as it was written: numbers beyond 2^53 stay', async () => {
    const event = '{ "id": 9007199254740993, "price": 1.10 }';
    const body = `{"cron":"0 3 1 1 *","function":"greet","event": ${event} }`;
    const stored = await (await sequent.call('PUT', '/api/schedules/exact', { body })).text();
    const [one, all] = await Promise.all(
      ['/api/schedules/exact', '/api/schedules'].map(async (path) => (await sequent.call('GET', path)).text()),
    );
    for (const text of [stored, one, all]) expect(text).toContain(`"event":${event}`);
    expect(JSON.parse(one ?? '').event_text).toBe(event);
    await call('DELETE', '/exact');
  });

  test('fires, and is run now', async () => {
    await call('PUT', '/often', { ...yearly, cron: '* * * * * *' });
    const found = async () => (await call('GET', '/often')).body;
    await eventually(async () => (await found()).last !== undefined);
    const run = await call('POST', '/often/run');
    expect(run).toMatchObject({ status: 202, body: { function: 'greet' } });
    for (const id of [(await found()).last.request_id, run.body.request_id]) {
      const answer = await sequent.call('GET', `/api/invocations/${id}`, { headers: { prefer: 'wait=30' } });
      expect(await answer.json()).toMatchObject({ status: 'SUCCESS', function: 'greet' });
    }
    await call('DELETE', '/often');
  });

  test.for([
    [{ ...yearly, cron: '0 25 * * *' }, 400, 'is not valid'],
    [{ ...yearly, time_zone: 'Europe/Berlyn' }, 400, 'is not known here'],
    [{ ...yearly, function: 'nobody' }, 404, 'does not exist'],
    [{ ...yearly, overlap: 'both' }, 400, 'overlap'],
  ] as const)('that is %j is answered with %i', async ([given, status, why]) => {
    const answer = await call('PUT', '/wrong', given);
    expect([answer.status, JSON.stringify(answer.body)]).toEqual([status, expect.stringContaining(why)]);
  });
});
