import { formatDuration } from '#src/core/text/format-duration.ts';
import { failureWords } from '../parts/failure-words.ts';
import type { NamedEvent } from './use-invocation.ts';

/** A stretch of time: something was done, or waited for. `to` is absent while it goes on. */
export type Stretch = {
  kind: 'attempt' | 'delivery' | 'wait';
  tone: 'queued' | 'running' | 'retrying' | 'succeeded' | 'failed' | 'muted';
  label: string;
  note: string;
  from: number;
  to?: number;
  /** When a wait is over by what the log says. */
  dueAt?: number;
  /** The event that a click shows: that which ended it, or that which began it while it goes on. */
  event: string;
  /** The event that began it. */
  begin: string;
};
export type Lane = { id: string; name: string; stretches: readonly Stretch[] };

type Open = Omit<Stretch, 'to'>;

/** The execution, and each delivery by itself. What would end before it begins, by the clocks of two machines, has no length. */
export function lanesOf(events: readonly NamedEvent[]): Lane[] {
  const lanes = new Map<string, { name: string; stretches: Stretch[]; open: Open | undefined }>([
    ['', { name: 'Execution', stretches: [], open: undefined }],
  ]);
  for (const event of events) {
    if (event.is_refused) continue;
    const { fact } = event;
    const id = 'destination' in fact ? fact.destination : '';
    const lane = lanes.get(id) ?? { name: id, stretches: [], open: undefined };
    lanes.set(id, lane);
    const open = lane.open;
    if (open !== undefined && fact.type !== 'notified' && fact.type !== 'redriven') {
      lane.stretches.push({ ...open, to: Math.max(open.from, event.at), event: event.name, ...endedBy(event, open) });
      lane.open = undefined;
    }
    lane.open ??= openedBy(event);
  }
  return [...lanes].map(([id, { name, stretches, open }]) => ({
    id,
    name,
    stretches: open === undefined ? stretches : [...stretches, open],
  }));
}

function endedBy({ fact, at }: NamedEvent, open: Open): Partial<Stretch> {
  const took = formatDuration(Math.max(0, at - open.from));
  if (open.kind === 'wait') return { note: `${open.note}, for ${took}` };
  switch (fact.type) {
    case 'succeeded':
    case 'delivery.delivered':
      return { tone: 'succeeded', note: `${fact.type === 'succeeded' ? 'succeeded' : 'delivered'} after ${took}` };
    case 'failed': {
      const { condition, failure } = fact;
      const why = condition === 'UnhandledInvocationError' ? failureWords(failure.message) : `${condition}, ${failure.message}`;
      return { tone: 'failed', note: `failed after ${took}: ${why}` };
    }
    case 'retrying':
      return { tone: 'failed', note: `failed after ${took}: ${failureWords(fact.failure.message)}` };
    case 'delivery.failed':
      return { tone: 'failed', note: `failed after ${took}: ${fact.reason}` };
    case 'delivery.dead':
      return { tone: 'failed', note: `given up after ${took}: ${fact.reason}` };
    default:
      return {};
  }
}

function openedBy({ fact, at, name }: NamedEvent): Open | undefined {
  const wait = (tone: Stretch['tone'], label: string, note: string, dueAt?: number): Open => ({
    kind: 'wait',
    tone,
    label,
    note,
    from: at,
    event: name,
    begin: name,
    ...(dueAt === undefined ? {} : { dueAt }),
  });
  switch (fact.type) {
    case 'queued':
      return wait('queued', 'queued', 'waited for a worker');
    case 'running':
      return {
        kind: 'attempt',
        tone: 'running',
        label: `attempt ${fact.attempt}`,
        note: `runs on ${fact.worker}`,
        from: at,
        event: name,
        begin: name,
      };
    case 'retrying':
      return wait('retrying', 'waits', `waited until attempt ${fact.attempt + 1} was due`, fact.dueAt);
    case 'delivery.started':
      return {
        kind: 'delivery',
        tone: 'running',
        label: `try ${fact.try}`,
        note: `tells ${fact.destination}`,
        from: at,
        event: name,
        begin: name,
      };
    case 'delivery.failed':
      return wait('retrying', 'waits', `waited until try ${fact.try + 1} was due`, fact.dueAt);
    case 'delivery.redriven':
      return wait('queued', 'waits', 'waited for another try');
    default:
      return undefined;
  }
}

/** From times to shares of the width: as long as it took, or every event equally far from the next. */
export type Scale = { at(time: number): number; from: number; to: number };

export function scaleOf(times: readonly number[], kind: 'time' | 'steps'): Scale {
  const sorted = [...new Set(times)].sort((one, other) => one - other);
  const from = sorted[0] ?? 0;
  const to = Math.max(sorted.at(-1) ?? 0, from + 1);
  if (kind === 'time' || sorted.length < 2) return { from, to, at: (time) => clamp((time - from) / (to - from)) };
  return {
    from,
    to,
    at(time) {
      const next = sorted.findIndex((one) => one >= time);
      if (next <= 0) return next === 0 ? 0 : 1;
      const before = sorted[next - 1] ?? from;
      const after = sorted[next] ?? to;
      return (next - 1 + (time - before) / (after - before)) / (sorted.length - 1);
    },
  };
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}

/** Round moments between two times, relative to the first. */
export function ticksOf({ from, to }: Scale, most = 6): number[] {
  const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000];
  const long = [900_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000, 21_600_000, 43_200_000, 86_400_000];
  const step = [...steps, ...long].find((one) => (to - from) / one <= most) ?? Math.ceil((to - from) / most);
  const ticks: number[] = [];
  for (let at = 0; at <= to - from && ticks.length <= most + 1; at += step) ticks.push(from + at);
  return ticks;
}
