import { describe, expect } from 'vitest';
import { eventually } from '#test/support/gateway/eventually.ts';
import { type RunningSequent, startSequent } from '#test/support/gateway/running-gateway.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const test = sharedByFile(() => startSequent({ with: ['projection'] }));
let one: RunningSequent;
let other: RunningSequent;
const handlers = new URL('../../support/gateway/handlers.mjs', import.meta.url).pathname;

test.beforeAll(async ({ sequent: own }) => {
  one = own;
  other = await one.another();
  const policy = { maxRetries: 1, backoff: { initialInMs: 10 } };
  for (const name of ['greet', 'fail', 'idle']) {
    const handler = { kind: 'process', file: handlers, export: name === 'idle' ? 'greet' : name };
    await one.roles.registry.put({ name, handler, policy, paused: name === 'idle' });
  }
  // Known work: three successes, two failures after one retry each, and one request that no worker starts.
  const ids = await Promise.all([...Array(3).fill('greet'), 'fail', 'fail'].map((name: string) => invoke(name)));
  await Promise.all(ids.map((id) => one.call('GET', `/api/invocations/${id}`, { headers: { prefer: 'wait=15' } })));
  await invoke('idle');
});
test.afterAll(async () => {
  await other?.[Symbol.asyncDispose]();
});

async function invoke(name: string): Promise<string> {
  const response = await one.call('POST', `/api/functions/${name}/invocations`, { body: { name: 'x' } });
  return ((await response.json()) as { request_id: string }).request_id;
}

/** The series of a text, by name and labels in any order. */
function seriesIn(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const [, name = '', labels = '', value = ''] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      const sorted = labels
        .split(/,(?=\w+=)/)
        .sort()
        .join(',');
      return [`${name}{${sorted}}`, Number(value)];
    }),
  );
}

const scrape = async (gateway: RunningSequent) => seriesIn(await (await gateway.call('GET', '/metrics')).text());

const worked: Record<string, number> = {
  'sequent_invocations_accepted_total{function="greet"}': 3,
  'sequent_invocations_accepted_total{function="fail"}': 2,
  'sequent_attempts_total{function="greet"}': 3,
  'sequent_attempts_total{function="fail"}': 4,
  'sequent_retries_total{function="fail",kind="function"}': 2,
  'sequent_outcomes_total{condition="",function="greet"}': 3,
  'sequent_outcomes_total{condition="UnhandledInvocationError",function="fail"}': 2,
  'sequent_queue_seconds_count{function="fail"}': 2,
  'sequent_execution_seconds_count{function="fail"}': 4,
  'sequent_end_to_end_seconds_count{function="greet"}': 3,
  'sequent_end_to_end_seconds_bucket{function="greet",le="+Inf"}': 3,
  'sequent_invocations_open{}': 1,
  'sequent_queue_age_seconds{function="greet"}': 0,
};

describe('the metrics', () => {
  test('count the same known work on every gateway', async () => {
    for (const gateway of [one, other]) {
      await eventually(async () => {
        const series = await scrape(gateway);
        return Object.entries(worked).every(([name, value]) => series.get(name) === value);
      }).catch(async () => {
        const series = await scrape(gateway);
        expect(Object.fromEntries(Object.keys(worked).map((name) => [name, series.get(name)]))).toEqual(worked);
      });
    }
  });

  test('report the age of the oldest request and the lag of each role', async () => {
    const labels = ['function="greet",role="worker"', 'function="idle",role="worker"', 'role="destinations"'];
    const least = new Map([
      ...labels.flatMap((one) => ['lag', 'held'].map((kind): [string, number] => [`sequent_role_${kind}_messages{${one}}`, 0])),
      ['sequent_log_messages{}', 11],
      ['sequent_log_last_sequence{}', 11],
      ['sequent_projection_lag_messages{}', 0],
      ['sequent_queue_age_seconds{function="idle"}', Number.MIN_VALUE],
    ]);
    const tooSmall = async () => {
      const series = await scrape(one);
      return [...least].filter(([name, value]) => !((series.get(name) ?? -1) >= value));
    };
    // A scrape waits a short time for the roles and the projection, so the scrape may lack the figures of a late one.
    await expect.poll(tooSmall, { timeout: 40_000 }).toEqual([]);
  });

  test('count the requests of a paused function as waiting, with the reason, on every gateway', async () => {
    const waiting = 'sequent_waiting_requests{function="idle",reason="paused"}';
    for (const gateway of [one, other]) await expect.poll(async () => (await scrape(gateway)).get(waiting), { timeout: 30_000 }).toBe(1);
    const functions = [...(await scrape(one)).keys()].filter((name) => name.startsWith('sequent_waiting_requests{'));
    expect(functions).toEqual([waiting]);
  });

  test('count the requests of this gateway alone, by route and status', async () => {
    await one.call('GET', '/api/invocations/nobody-1');
    await one.call('BREW', '/api/invocations/nobody-2');
    const mine = await scrape(one);
    expect(mine.get('sequent_http_requests_total{method="POST",route="/api/functions/:name/invocations",status="202"}')).toBe(6);
    expect(mine.get('sequent_http_requests_total{method="GET",route="/api/invocations/:id",status="404"}')).toBe(1);
    expect(mine.get('sequent_http_request_duration_seconds_count{method="POST",route="/api/functions/:name/invocations"}')).toBe(6);
    const theirs = await scrape(other);
    expect([...theirs.keys()].filter((name) => name.includes('route="/api/functions/:name/invocations"'))).toEqual([]);
    expect([...mine.keys()].some((name) => name.includes('BREW') || name.includes('nobody'))).toBe(false);
  });
});
