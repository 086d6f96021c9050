import { say } from '#src/cli/texts/say.ts';
import { LATEST } from '#src/core/functions/definition.ts';
import { type FunctionEntry, resolveFunction } from '#src/core/functions/entry.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import type { ScheduleState } from '#src/functions/schedule-states.ts';
import type { Examined } from './examined.ts';
import type { Finding } from './finding.ts';

/** For so long after an outage the doctor reports the fire times that it missed: as long as the longest catch-up window. */
const REPORT_MISSED_FOR_MS = 7 * 86_400_000;
/** A fire time that is later than this asks a person to act. */
const PATIENCE_IN_MS = 60_000;

/** One line for each schedule that does not invoke its function as it says. The others share one line. */
export function judgeSchedules({ schedules = [], registry }: Examined, now: number): Finding[] {
  // A paused schedule does what its operator wants.
  const active = schedules.filter(({ schedule }) => !schedule.paused);
  const functions = 'functions' in registry ? new Map(registry.functions.map((one) => [one.definition.name, one])) : undefined;
  const found = active.flatMap((state) => judgeOne(state, functions, now));
  const silent = active.length - new Set(found.map(({ check }) => check)).size;
  if (silent === 0) return found;
  const seen = silent === 1 ? say('1 schedule fires') : say('{count} schedules fire', { count: silent });
  return [{ level: 'ok', check: say('schedules'), seen }, ...found];
}

type Functions = ReadonlyMap<string, FunctionEntry>;

function judgeOne({ schedule, progress, late }: ScheduleState, functions: Functions | undefined, now: number): Finding[] {
  const { name, function: fn, qualifier = LATEST, overlap } = schedule;
  const check = say('schedule {name}', { name });
  const found = functions?.get(fn);
  const findings: Finding[] = [];
  if (functions !== undefined && found === undefined) {
    const seen = say('there is no function {function}: its invocations fail', { function: fn });
    findings.push({
      level: 'problem',
      check,
      seen,
      remedy: say('sequent fn put {function}, or sequent schedule rm {name}', { function: fn, name }),
    });
  } else if (found !== undefined && resolveFunction(found, qualifier, '') === undefined) {
    const seen = say('there is no function {function}: its invocations fail', { function: `${fn}:${qualifier}` });
    findings.push({ level: 'problem', check, seen, remedy: `sequent schedule put ${name} --function ${fn}` });
  }
  if (found?.definition.paused === true) {
    const seen = say('its function {function} is paused: its invocations wait', { function: fn });
    findings.push({ level: 'note', check, seen, remedy: `sequent fn resume ${fn}` });
  }
  const { missed } = progress;
  if (missed !== undefined && missed.to > now - REPORT_MISSED_FOR_MS) {
    const times = { count: missed.count, from: isoTime(missed.from), to: isoTime(missed.to) };
    const seen = say('fire times from {from} to {to} were missed, later than its catch-up window ({count} since its creation)', times);
    findings.push({ level: 'note', check, seen, remedy: `sequent schedule run ${name}` });
  }
  const lateInMs = late === undefined ? 0 : now - late.dueAt;
  // A fire time that waits for the invocation before it may wait long. With `cancel`, it waits for a part of another attempt alone.
  const mayWait = overlap === 'queue' || (overlap === 'cancel' && found?.definition.flow?.debounce !== undefined);
  if (lateInMs > PATIENCE_IN_MS && !mayWait) {
    const seen = say('its fire time is overdue by {duration}', { duration: formatDuration(lateInMs) });
    findings.push({ level: 'problem', check, seen, remedy: 'sequent serve --role scheduler' });
  }
  return findings;
}

const isoTime = (at: number): string => new Date(at).toISOString();
