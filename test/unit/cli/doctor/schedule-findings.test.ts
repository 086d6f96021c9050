import { describe, expect, test } from 'vitest';
import { judgeSchedules } from '#src/cli/commands/doctor/schedule-findings.ts';
import type { Schedule } from '#src/core/schedules/schedule.ts';
import { parseDefinition } from '#src/functions/definition-changes.ts';
import type { ScheduleState } from '#src/functions/schedule-states.ts';
import { nightlySchedule } from '#test/support/nightly-schedule.ts';

const NOW = Date.UTC(2026, 0, 31);
const report = (paused: boolean, given: object = {}) => ({
  definition: { ...parseDefinition({ name: 'report', handler: { kind: 'inline' }, ...given }), paused },
  revision: 1,
  version: 'latest',
  versions: [],
  aliases: [],
});

type Given = { schedule?: Partial<Schedule>; missedTo?: number; lateInMs?: number };
const stateOf = ({ schedule, missedTo, lateInMs }: Given): ScheduleState => ({
  schedule: { ...nightlySchedule, ...schedule },
  revision: 1,
  progress: {
    createdAt: 0,
    at: 0,
    fired: 1,
    ...(missedTo === undefined ? {} : { missed: { from: missedTo - 1_000, to: missedTo, count: 4 } }),
  },
  next: [],
  late: lateInMs === undefined ? undefined : { at: NOW - lateInMs, dueAt: NOW - lateInMs },
});
const findingsOf = (given: Given, functions = [report(false)]) =>
  judgeSchedules(
    {
      inspection: {} as never,
      durability: {} as never,
      missingFiles: [],
      registry: { functions },
      schedules: [stateOf(given)],
    },
    NOW,
  ).map(({ level, check, seen }) => `${level} ${check}: ${seen}`);

describe('the doctor about schedules', () => {
  test('says in one line that they fire', () => {
    expect(findingsOf({})).toEqual(['ok schedules: 1 schedule fires']);
    expect(judgeSchedules({ inspection: {}, durability: {}, missingFiles: [], registry: { functions: [] } } as never, NOW)).toEqual([]);
  });

  test('reports a function that does not exist, or that is paused', () => {
    expect(findingsOf({}, [])).toEqual(['problem schedule nightly: there is no function report: its invocations fail']);
    const missing = ['problem schedule nightly: there is no function report:!prod: its invocations fail'];
    expect(findingsOf({ schedule: { qualifier: '!prod' } })).toEqual(missing);
    expect(findingsOf({}, [report(true)])).toEqual(['note schedule nightly: its function report is paused: its invocations wait']);
  });

  test('reports the fire times that were missed within the last seven days', () => {
    expect(findingsOf({ missedTo: NOW - 6 * 86_400_000 }).join()).toMatch(/^note .*were missed, .*4 since its creation/);
    expect(findingsOf({ missedTo: NOW - 8 * 86_400_000 })).toEqual(['ok schedules: 1 schedule fires']);
  });

  test('reports an overdue fire time, unless it waits for the invocation before it', () => {
    expect(findingsOf({ lateInMs: 120_000 })).toEqual(['problem schedule nightly: its fire time is overdue by 2 min']);
    expect(findingsOf({ lateInMs: 120_000, schedule: { overlap: 'queue' } })).toEqual(['ok schedules: 1 schedule fires']);
    const canceling: Given = { lateInMs: 120_000, schedule: { overlap: 'cancel' } };
    expect(findingsOf(canceling)).toEqual(['problem schedule nightly: its fire time is overdue by 2 min']);
    // Its invocation may be a part of an attempt of another request, which is not cancelled.
    expect(findingsOf(canceling, [report(false, { flow: { key: '$.id', debounce: { wait: '1s', keep: 'all' } } })])).toEqual([
      'ok schedules: 1 schedule fires',
    ]);
    expect(findingsOf({ lateInMs: 1_000 })).toEqual(['ok schedules: 1 schedule fires']);
  });

  test('reports nothing of a paused schedule', () => {
    expect(findingsOf({ schedule: { paused: true }, lateInMs: 120_000 }, [])).toEqual([]);
  });
});
