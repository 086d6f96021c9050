import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { systemClock } from '#src/core/ports/clock.ts';
import { createLagMetrics, type Lag } from '#src/gateway/metrics/lag-metrics.ts';

const idle: Lag = {
  log: { lastSequence: 0, messages: 0, bytes: 0, maxBytes: undefined, isRefusing: false },
  unavailableStreams: 0,
  storage: { usedInBytes: 0, limitInBytes: undefined },
  consumers: [],
  projection: undefined,
  oldestOpenAt: undefined,
  roles: [],
  versions: 1,
  slots: { held: 0, all: 0 },
  processors: [],
  threads: [],
  fileProblems: 0,
  missingKeys: 0,
  plainRequests: undefined,
  circuits: [],
  waits: [],
  schedules: [],
  flows: [],
};

async function render(changed: Partial<Lag>, name: string): Promise<string[]> {
  const registry = new Registry();
  createLagMetrics(registry, { clock: systemClock, lag: async () => ({ ...idle, ...changed }), folded: () => 0 });
  return (await registry.metrics()).split('\n').filter((line) => line.startsWith(`sequent_${name}`));
}

const renderCircuits = (circuits: Lag['circuits']) => render({ circuits }, 'circuits');

test('the circuits are counted over the processes, by function, target and state', async () => {
  const circuit = { function: 'orders', target: 'HTTP https://x', state: 'open' } as const;
  expect(await renderCircuits([circuit, circuit, { ...circuit, state: 'half-open' }])).toEqual([
    'sequent_circuits{function="orders",target="HTTP https://x",state="open"} 2',
    'sequent_circuits{function="orders",target="HTTP https://x",state="half-open"} 1',
  ]);
  expect(await renderCircuits([])).toEqual([]);
});

test('at most 500 circuits have series of their own, and the others share one series for each state', async () => {
  const series = await renderCircuits(Array.from({ length: 700 }, (_, i) => ({ function: `f-${i}`, target: 'OBS b/c', state: 'open' })));
  expect(series).toHaveLength(501);
  expect(series.at(-1)).toBe('sequent_circuits{function="other",target="other",state="open"} 200');
});

test('the processes of a role are counted by whether they take work, and a role without a process counts 0', async () => {
  const worker = { role: 'worker', host: 'a', aheadInMs: 0, takesWork: true };
  const series = await render({ roles: [worker, worker, { ...worker, host: 'b', takesWork: false }] }, 'role_processes{');
  expect(series).toContain('sequent_role_processes{role="worker",takes_work="true"} 2');
  expect(series).toContain('sequent_role_processes{role="worker",takes_work="false"} 1');
  expect(series).toContain('sequent_role_processes{role="scheduler",takes_work="true"} 0');
});

test('the slots of all workers are counted as held and free', async () => {
  expect(await render({ slots: { held: 3, all: 40 } }, 'worker_slots')).toEqual([
    'sequent_worker_slots{state="held"} 3',
    'sequent_worker_slots{state="free"} 37',
  ]);
});

test('the processor time of a project is the sum over all workers, used and waited for', async () => {
  const shop = { project: 'shop', usedInMs: 1_500, waitedInMs: 250 };
  expect(await render({ processors: [shop, shop] }, 'project_processor_seconds')).toEqual([
    'sequent_project_processor_seconds{project="shop",state="used"} 3',
    'sequent_project_processor_seconds{project="shop",state="waited"} 0.5',
  ]);
});

test('the time of main threads for a project is the sum over all processes (CPU2)', async () => {
  const threads = [
    { project: 'shop', usedInMs: 1_500 },
    { project: 'bank', usedInMs: 250 },
    { project: 'shop', usedInMs: 500 },
  ];
  expect(await render({ threads }, 'project_thread_seconds')).toEqual([
    'sequent_project_thread_seconds{project="shop"} 2',
    'sequent_project_thread_seconds{project="bank"} 0.25',
  ]);
});

test('the clock of a machine has the largest offset that its processes measured', async () => {
  const worker = { role: 'worker', host: 'a', aheadInMs: -2_000, takesWork: true };
  expect(await render({ roles: [{ ...worker, aheadInMs: undefined }, worker, { ...worker, aheadInMs: 40 }] }, 'clock_offset')).toEqual([
    'sequent_clock_offset_seconds{role="worker",host="a"} -2',
  ]);
});

test('a limit that does not exist, and a read model that does not answer, have no series', async () => {
  expect(await render({}, 'log_limit_bytes')).toEqual([]);
  expect(await render({}, 'projection_')).toEqual([]);
  const log = { ...idle.log, maxBytes: 100, isRefusing: true };
  expect(await render({ log }, 'log_limit_bytes')).toEqual(['sequent_log_limit_bytes 100']);
  expect(await render({ log }, 'log_refuses')).toEqual(['sequent_log_refuses 1']);
});

test('the requests that make no progress are counted by function and reason', async () => {
  const waits = [
    { function: 'orders', kind: 'paused', waiting: 3 },
    { function: 'orders', kind: 'platform-failing', waiting: 1 },
  ];
  expect(await render({ waits }, 'waiting_requests{')).toEqual([
    'sequent_waiting_requests{function="orders",reason="paused"} 3',
    'sequent_waiting_requests{function="orders",reason="platform-failing"} 1',
  ]);
});

test('missing keys and requests in plain text are counted; without a projection, the latter are unknown', async () => {
  const found = { missingKeys: 2, plainRequests: 3 };
  expect(await render(found, 'missing_keys')).toEqual(['sequent_missing_keys 2']);
  expect(await render(found, 'plain_requests')).toEqual(['sequent_plain_requests 3']);
  expect(await render({}, 'plain_requests')).toEqual([]);
});

test('the fires of a schedule are counted by outcome, and its lag is the age of the fire time that is due', async () => {
  const nightly = { name: 'nightly', function: 'report', fired: 3, skipped: 2, missed: 1, lateSince: undefined };
  const schedules = [nightly, { ...nightly, name: 'late', lateSince: systemClock.now() - 60_000 }];
  expect((await render({ schedules }, 'schedule_fires')).slice(0, 3)).toEqual([
    'sequent_schedule_fires{schedule="nightly",function="report",outcome="started"} 3',
    'sequent_schedule_fires{schedule="nightly",function="report",outcome="skipped"} 2',
    'sequent_schedule_fires{schedule="nightly",function="report",outcome="missed"} 1',
  ]);
  const lags = await render({ schedules }, 'schedule_lag_seconds');
  expect(lags[0]).toBe('sequent_schedule_lag_seconds{schedule="nightly",function="report"} 0');
  expect(Number(lags[1]?.split(' ').at(-1))).toBeGreaterThanOrEqual(60);
});

test('at most 200 schedules have series of their own', async () => {
  const one = { function: 'report', fired: 1, skipped: 0, missed: 0, lateSince: undefined };
  const schedules = Array.from({ length: 250 }, (_, index) => ({ ...one, name: `s-${index}` }));
  const started = (await render({ schedules }, 'schedule_fires')).filter((line) => line.includes('started'));
  expect(started).toHaveLength(201);
  expect(started.at(-1)).toBe('sequent_schedule_fires{schedule="other",function="other",outcome="started"} 50');
});
