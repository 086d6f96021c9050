import { splitName } from '#src/core/names/names.ts';
import type { ScheduleState } from '#src/functions/schedule-states.ts';
import type { GaugeRow } from './gauges.ts';

/** How far a schedule has fired. `function` is the token of its function, and `late` the due time of its oldest fire time that did not fire. */
export type ScheduleFigures = {
  name: string;
  function: string;
  fired: number;
  skipped: number;
  missed: number;
  lateSince: number | undefined;
};

/** Bounds the series by schedule. All further schedules are counted as those of `other`. */
const MAX_SERIES = 200;

export function scheduleFigures({ schedule, progress: { fired, skipped, missed }, late }: ScheduleState): ScheduleFigures {
  const { name, function: token } = schedule;
  return {
    name: splitName(name).bare,
    function: token,
    fired,
    skipped: skipped?.count ?? 0,
    missed: missed?.count ?? 0,
    lateSince: late?.dueAt,
  };
}

/** The gauges of schedules, by schedule and function. */
export function scheduleGauges(now: () => number): GaugeRow<{ schedules: readonly ScheduleFigures[] }>[] {
  return [
    {
      name: 'schedule_fires',
      help: 'Fire times of a schedule since its creation, by outcome: started an invocation, skipped by the overlap policy, missed by an outage',
      labels: ['schedule', 'function', 'outcome'],
      measure: ({ schedules }) =>
        schedules.flatMap((one, index) =>
          [
            { outcome: 'started', value: one.fired },
            { outcome: 'skipped', value: one.skipped },
            { outcome: 'missed', value: one.missed },
          ].map(({ outcome, value }) => ({ labels: { ...labelsOf(one, index), outcome }, value })),
        ),
    },
    {
      name: 'schedule_lag_seconds',
      help: 'How long the oldest fire time of a schedule is due without firing; with the policy queue, it waits for the invocation before it',
      labels: ['schedule', 'function'],
      measure: ({ schedules }) =>
        schedules.map((one, index) => ({
          labels: labelsOf(one, index),
          value: one.lateSince === undefined ? 0 : Math.max(0, now() - one.lateSince) / 1_000,
        })),
    },
  ];
}

function labelsOf({ name, function: token }: ScheduleFigures, index: number): { schedule: string; function: string } {
  return index < MAX_SERIES ? { schedule: name, function: token } : { schedule: 'other', function: 'other' };
}
