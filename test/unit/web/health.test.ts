import { describe, expect, test } from 'vitest';
import type { SystemView } from '#src/gateway/api/system/system-schemas.ts';
import { compareByAge, healthIssues } from '#src/web/system/health.ts';

const lag = { role: 'worker', name: 'orders', waiting: 0, at_work: 0, again: 0, is_attended: true };
const well = {
  version: '1.0.0',
  project: 'default',
  server: { version: '2.10.27', round_trip_ms: 0.4, clock_ahead_ms: 3 },
  roles: ['worker', 'scheduler', 'destinations', 'projection', 'gateway'].map((role) => ({ role, instance: 'i-1' })),
  lags: [lag],
  circuits: [],
  waits: [],
  quotas: [],
  log: {
    messages: 10,
    bytes: 1_000,
    subjects: 4,
    first_sequence: 1,
    last_sequence: 10,
    durability: '100ms',
    durability_in_words: '',
    replicas: 1,
    losses: [],
    storage: 'file',
    consumers: 7,
    used_bytes: 100,
    limit_bytes: 1_000,
  },
  projection: { instance: 'p-1', sequence: 10, lag: 0, lag_ms: 0, problems: 0, is_ready: true },
  dead_letters: 0,
} satisfies SystemView;
const titlesOf = (changed: Partial<SystemView>): string[] => healthIssues({ ...well, ...changed }).map(({ title }) => title);

test('queues are in the order of the age of their oldest request', () => {
  const queues = [
    { ...lag, name: 'idle' },
    { ...lag, name: 'many', waiting: 9 },
    { ...lag, name: 'young', waiting: 5, oldest_at: 2_000 },
    { ...lag, name: 'old', waiting: 1, oldest_at: 1_000 },
  ];
  expect(queues.sort(compareByAge).map(({ name }) => name)).toEqual(['old', 'young', 'many', 'idle']);
});

describe('the issues of a system', () => {
  test('a system with every role and with a consumer for each queue has no issue', () => {
    expect(healthIssues(well)).toEqual([]);
    // Messages that a process requests, or works on, are no issue.
    expect(titlesOf({ lags: [{ ...lag, waiting: 9 }] })).toEqual([]);
    expect(titlesOf({ lags: [{ ...lag, waiting: 9, at_work: 2, is_attended: false }] })).toEqual([]);
  });

  test('a log whose replicas differ is an error', () => {
    const [issue] = healthIssues({ ...well, log: { ...well.log, replica_difference: 'n0: 10 messages; n1: 9 messages' } });
    expect(issue).toMatchObject({ severity: 'error', title: 'The replicas of the log differ', reason: 'n0: 10 messages; n1: 9 messages' });
  });

  test('a file that a process cannot use is one error, whatever its number of roles (FILE2)', () => {
    const reason = 'the TLS of HTTP changed, but the content before is still in use: key.pem does not belong to the certificate';
    const roles = well.roles.map((role) => ({ ...role, host: 'h', pid: 7, file_problems: [reason] }));
    expect(healthIssues({ ...well, roles })).toEqual([
      { severity: 'error', title: 'A file of a process needs attention', reason, command: 'sequent doctor' },
    ]);
  });

  test('a process without the keys of a project and requests in plain text are errors', () => {
    const roles = well.roles.map((role) => ({ ...role, host: 'h', pid: 7, missing_keys: ['shop'] }));
    const words = { in_words: '2 requests came in plain text', remedy: 'purge' };
    const plain_requests = [{ function: 'orders', requests: 2, is_at_least: false, latest_at: 1, ...words }];
    expect(healthIssues({ ...well, roles, plain_requests })).toMatchObject([
      { severity: 'error', title: 'Process 7 on h has no key for shop' },
      { severity: 'error', title: 'orders got requests in plain text', reason: '2 requests came in plain text; try: purge' },
    ]);
  });

  test('several running versions are a warning that names the newest one', () => {
    const versions = [
      { version: '0.2.0', processes: 1 },
      { version: '0.1.0', processes: 3 },
    ];
    expect(healthIssues({ ...well, versions })).toEqual([
      {
        severity: 'warning',
        title: '2 versions run',
        reason: '1 process of 0.2.0, 3 processes of 0.1.0; start the older ones again with 0.2.0',
        command: 'sequent doctor',
      },
    ]);
    expect(titlesOf({ versions: versions.slice(0, 1) })).toEqual([]);
  });

  test('a loss of the log and a full log are errors', () => {
    const lost = { id: 'k3', found_at: 3, lost_at_most: 640, from: 1, to: 2, in_words: 'the log lost at most 640 messages' };
    expect(healthIssues({ ...well, log: { ...well.log, losses: [lost], refusal: { at: 1, why: 'maximum bytes exceeded' } } })).toEqual([
      { severity: 'error', title: 'The log is full and refuses messages', reason: 'maximum bytes exceeded', command: 'sequent doctor' },
      {
        severity: 'error',
        title: 'The log lost at most 640 acknowledged messages',
        reason: 'the log lost at most 640 messages',
        command: 'sequent loss show k3',
      },
    ]);
  });

  test('a system is checked without the figures that other projects may not see', () => {
    const { server: _, log: __, ...shown } = well;
    expect(healthIssues(shown)).toEqual([]);
  });

  test('a missing role is an issue with the command that starts it, and its queues are not reported', () => {
    const roles = well.roles.filter(({ role }) => role !== 'worker');
    expect(healthIssues({ ...well, roles, lags: [{ ...lag, waiting: 9, is_attended: false }] })).toEqual([
      { severity: 'error', title: 'The role worker is missing', reason: 'nothing is executed', command: 'sequent serve --role worker' },
    ]);
  });

  test('a queue without a consumer is an issue when its role is running', () => {
    const [issue] = healthIssues({
      ...well,
      lags: [{ ...lag, role: 'destinations', name: 'destinations', waiting: 1, is_attended: false }],
    });
    expect(issue).toMatchObject({
      title: 'The queue destinations has no consumer',
      reason: '1 message waits: the role destinations takes no work',
    });
  });

  test('requests of a function that make no progress are an issue with the remedy, and taken slots are none', () => {
    const wait = { function: 'orders', waiting: 3, in_words: 'orders is paused', remedy: 'sequent fn resume orders' };
    const failing = {
      function: 'pay',
      kind: 'platform-failing',
      waiting: 1,
      in_words: 'no responder',
      remedy: 'start a responder',
    } as const;
    expect(healthIssues({ ...well, waits: [{ ...wait, kind: 'paused' }, failing, { ...wait, kind: 'all-busy' }] })).toEqual([
      { severity: 'error', title: 'The platform cannot run pay', reason: 'no responder; try: start a responder' },
      {
        severity: 'warning',
        title: 'The requests of orders wait',
        reason: '3 requests wait: orders is paused',
        command: 'sequent fn resume orders',
      },
    ]);
    // Without a worker, the missing role is the issue.
    const roles = well.roles.filter(({ role }) => role !== 'worker');
    expect(titlesOf({ roles, waits: [{ ...wait, kind: 'no-worker' }] })).toEqual(['The role worker is missing']);
  });

  test.each<[string, Partial<SystemView>]>([
    ['81 % of the storage is used', { log: { ...well.log, used_bytes: 810 } }],
    ['The read model is 12 s behind', { projection: { ...projection(), lag: 900, lag_ms: 12_000 } }],
    [
      'The read model is being rebuilt, 40 %',
      { projection: { ...projection(), rebuild: { why: 'the log is another', percent: 40, seconds_left: 2 } } },
    ],
    ['1 problem in the log', { projection: { ...projection(), problems: 1 } }],
    ['1 dead letter', { dead_letters: 1 }],
    ['More than 500 dead letters', { dead_letters: 500, is_dead_letters_at_least: true }],
    ['The clock of h is 5 s behind', { roles: well.roles.map((role) => ({ ...role, host: 'h', clock_ahead_ms: -5_000 })) }],
    [
      'The queue destinations has no consumer',
      { lags: [{ ...lag, role: 'destinations', name: 'destinations', waiting: 9, is_attended: false }] },
    ],
  ])('is reported with its command: %s', (title, changed) => {
    expect(titlesOf(changed)).toEqual([title]);
    expect(healthIssues({ ...well, ...changed })[0]?.command).toMatch(/^sequent (?:doctor|dest|projection|serve|verify)/);
  });

  test('a circuit that is not closed is an issue with its state and its remedy', () => {
    const in_words =
      'the circuit of HTTP https://x for orders is open until …; 12 failures in a row; last: no answer; try: repair the target';
    const circuit = {
      function: 'orders',
      target: 'HTTP https://x',
      state: 'open',
      open_until: 9,
      failures: 12,
      reason: 'no answer',
      in_words,
    } as const;
    expect(healthIssues({ ...well, circuits: [circuit] })).toEqual([
      {
        severity: 'warning',
        title: 'The deliveries of orders to HTTP https://x wait',
        reason:
          'the circuit is open until 1970-01-01T00:00:00.009Z; 12 failures in a row; last: no answer. Repair the target: its deliveries wait in the log, and continue by themselves.',
        command: 'sequent dest ls --function orders',
      },
    ]);
  });

  test('a project that has reached a quota is a warning with the figures, and one that has not is none', () => {
    const open = { project: 'shop', quota: 'open', limit: 100, used: 100, refused: 3, is_reached: true } as const;
    expect(healthIssues({ ...well, quotas: [open, { ...open, project: 'desk', used: 9, is_reached: false }] })).toEqual([
      {
        severity: 'warning',
        title: 'Project shop has reached a quota',
        reason: '100 of 100 invocations are open; 3 requests were refused',
        command: 'sequent project quota shop',
      },
    ]);
    const others = [
      { ...open, quota: 'rate' as const, limit: 50 },
      { ...open, quota: 'stored_bytes' as const, limit: 2_048, used: 4_096 },
    ];
    expect(healthIssues({ ...well, quotas: others }).map(({ reason }) => reason)).toEqual([
      'it sends more than 50 requests per second; 3 requests were refused',
      '4.0 KB of 2.0 KB are stored; 3 requests were refused',
    ]);
  });

  test('errors come before warnings', () => {
    const roles = well.roles.filter(({ role }) => role !== 'destinations');
    expect(titlesOf({ dead_letters: 2, roles })).toEqual(['The role destinations is missing', '2 dead letters']);
  });
});

function projection(): NonNullable<SystemView['projection']> {
  return { instance: 'p-1', sequence: 10, lag: 0, lag_ms: 0, problems: 0, is_ready: true };
}
