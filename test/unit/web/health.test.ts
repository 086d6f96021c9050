import { describe, expect, test } from 'vitest';
import type { SystemView } from '#src/gateway/api/schemas/system.ts';
import { concernsOf } from '#src/web/system/health.ts';

const lag = { role: 'worker', name: 'orders', waiting: 0, at_work: 0, again: 0, is_attended: true };
const well = {
  version: '1.0.0',
  project: 'default',
  server: { version: '2.10.27', round_trip_ms: 0.4, clock_ahead_ms: 3 },
  roles: ['worker', 'scheduler', 'destinations', 'projection', 'gateway'].map((role) => ({ role, instance: 'i-1' })),
  lags: [lag],
  log: {
    messages: 10,
    bytes: 1_000,
    subjects: 4,
    first_sequence: 1,
    last_sequence: 10,
    durability: '100ms',
    durability_in_words: '',
    replicas: 1,
    storage: 'file',
    used_bytes: 100,
    limit_bytes: 1_000,
  },
  projection: { instance: 'p-1', sequence: 10, lag: 0, lag_ms: 0, problems: 0, is_ready: true },
  dead_letters: 0,
} satisfies SystemView;
const whatOf = (changed: Partial<SystemView>): string[] => concernsOf({ ...well, ...changed }).map(({ what }) => what);

describe('what of the system needs somebody', () => {
  test('is nothing while every role is there and nothing waits that should not', () => {
    expect(concernsOf(well)).toEqual([]);
    // Work that is at work, or asked for, is no concern.
    expect(whatOf({ lags: [{ ...lag, waiting: 9 }] })).toEqual([]);
    expect(whatOf({ lags: [{ ...lag, waiting: 9, at_work: 2, is_attended: false }] })).toEqual([]);
  });

  test('is judged without the figures that another project is not shown', () => {
    const { server: _, log: __, ...shown } = well;
    expect(concernsOf(shown)).toEqual([]);
  });

  test('is a role that nobody plays, with the command that starts it; its queues are not told besides', () => {
    const roles = well.roles.filter(({ role }) => role !== 'worker');
    expect(concernsOf({ ...well, roles, lags: [{ ...lag, waiting: 9, is_attended: false }] })).toEqual([
      { gravity: 'failed', what: 'The role worker is missing', why: 'nothing is executed', command: 'npx sequent serve --role worker' },
    ]);
  });

  test('is a queue that nobody works for though its role is there', () => {
    const [concern] = concernsOf({ ...well, lags: [{ ...lag, waiting: 1, is_attended: false }] });
    expect(concern).toMatchObject({ what: 'Nobody works for orders', why: '1 message waits: no worker runs it' });
  });

  test.each<[string, Partial<SystemView>]>([
    ['81 % of the storage is used', { log: { ...well.log, used_bytes: 810 } }],
    ['The read model is 12 s behind', { projection: { ...projection(), lag: 900, lag_ms: 12_000 } }],
    [
      'The read model is built anew, 40 %',
      { projection: { ...projection(), rebuild: { why: 'the log is another', percent: 40, seconds_left: 2 } } },
    ],
    ['1 problem in the log', { projection: { ...projection(), problems: 1 } }],
    ['1 dead letter', { dead_letters: 1 }],
    ['More than 500 dead letters', { dead_letters: 500, is_dead_letters_at_least: true }],
    ['The clock of NATS is 5 s behind', { server: { ...well.server, clock_ahead_ms: -5_000 } }],
  ])('is told: %s', (what, changed) => {
    expect(whatOf(changed)).toEqual([what]);
  });

  test('begins with what is gravest', () => {
    const roles = well.roles.filter(({ role }) => role !== 'destinations');
    expect(whatOf({ dead_letters: 2, roles })).toEqual(['The role destinations is missing', '2 dead letters']);
  });
});

function projection(): NonNullable<SystemView['projection']> {
  return { instance: 'p-1', sequence: 10, lag: 0, lag_ms: 0, problems: 0, is_ready: true };
}
