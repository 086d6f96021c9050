import { formatDuration } from '#src/core/text/format-duration.ts';
import { failureSummary } from '../parts/failure-summary.ts';
import type { NamedEvent } from './use-invocation.ts';

/** A span of time: an attempt, a try or a wait. `to` is absent while it lasts. */
export type Span = {
  kind: 'attempt' | 'delivery' | 'wait';
  tone: 'queued' | 'running' | 'retrying' | 'succeeded' | 'failed' | 'muted';
  label: string;
  note: string;
  from: number;
  to?: number;
  /** When a wait ends, according to the log. */
  dueAt?: number;
  /** The event that a click selects: the one that ended the span, or the one that started it while it lasts. */
  event: string;
  /** The event that started the span. */
  startEvent: string;
};
export type Lane = { id: string; name: string; spans: readonly Span[] };

type Open = Omit<Span, 'to'>;

/**
 * The spans of an invocation: a lane for the execution, and one for each delivery. A span that would end before its start, because
 * two machines have different clocks, has no length.
 */
export function lanesOf(events: readonly NamedEvent[]): Lane[] {
  const lanes = new Map<string, { name: string; spans: Span[]; open: Open | undefined }>([
    ['', { name: 'Execution', spans: [], open: undefined }],
  ]);
  for (const event of events) {
    if (event.is_refused) continue;
    const { fact } = event;
    const id = 'destination' in fact ? fact.destination : '';
    const lane = lanes.get(id) ?? { name: id, spans: [], open: undefined };
    lanes.set(id, lane);
    const open = lane.open;
    if (open !== undefined && fact.type !== 'notified' && fact.type !== 'redriven') {
      lane.spans.push({ ...open, to: Math.max(open.from, event.at), event: event.name, ...endedBy(event, open) });
      lane.open = undefined;
    }
    lane.open ??= openedBy(event);
  }
  return [...lanes].map(([id, { name, spans, open }]) => ({
    id,
    name,
    spans: open === undefined ? spans : [...spans, open],
  }));
}

function endedBy({ fact, at }: NamedEvent, open: Open): Partial<Span> {
  const took = formatDuration(Math.max(0, at - open.from));
  if (open.kind === 'wait') return { note: `${open.note}, for ${took}` };
  switch (fact.type) {
    case 'succeeded':
    case 'delivery.delivered':
      return { tone: 'succeeded', note: `${fact.type === 'succeeded' ? 'succeeded' : 'delivered'} after ${took}` };
    case 'failed': {
      const { condition, failure } = fact;
      const reason = condition === 'UnhandledInvocationError' ? failureSummary(failure.message) : `${condition}, ${failure.message}`;
      return { tone: 'failed', note: `failed after ${took}: ${reason}` };
    }
    case 'retrying':
      return { tone: 'failed', note: `failed after ${took}: ${failureSummary(fact.failure.message)}` };
    case 'delivery.failed':
      return { tone: 'failed', note: `failed after ${took}: ${fact.reason}` };
    case 'delivery.dead':
      return { tone: 'failed', note: `dead after ${took}: ${fact.reason}` };
    default:
      return {};
  }
}

const retryWait = { kind: 'wait', tone: 'retrying', label: 'wait' } as const;

function openedBy({ fact, at, name }: NamedEvent): Open | undefined {
  const open = (span: Pick<Span, 'kind' | 'tone' | 'label' | 'note' | 'dueAt'>): Open => ({
    ...span,
    from: at,
    event: name,
    startEvent: name,
  });
  switch (fact.type) {
    case 'queued':
      return open({ kind: 'wait', tone: 'queued', label: 'queued', note: 'waited for a worker' });
    case 'running':
      return open({ kind: 'attempt', tone: 'running', label: `attempt ${fact.attempt}`, note: `runs on ${fact.worker}` });
    case 'retrying':
      return open({ ...retryWait, note: `waited until attempt ${fact.attempt + 1} was due`, dueAt: fact.dueAt });
    case 'delivery.started':
      return open({ kind: 'delivery', tone: 'running', label: `try ${fact.try}`, note: `delivers to ${fact.destination}` });
    case 'delivery.failed':
      return open({ ...retryWait, note: `waited until try ${fact.try + 1} was due`, dueAt: fact.dueAt });
    case 'delivery.redriven':
      return open({ kind: 'wait', tone: 'queued', label: 'wait', note: 'waited for another try' });
    default:
      return undefined;
  }
}

/** Maps times to shares of the width, from 0 to 1. */
export type Scale = { at(time: number): number; from: number; to: number };

/** A scale over the times: proportional, or with the same distance between all successive times. */
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

/** Times at round distances from the start of the scale. */
export function ticksOf({ from, to }: Scale, maxTicks = 6): number[] {
  const shortSteps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000];
  const longSteps = [900_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000, 21_600_000, 43_200_000, 86_400_000];
  const step = [...shortSteps, ...longSteps].find((one) => (to - from) / one <= maxTicks) ?? Math.ceil((to - from) / maxTicks);
  const ticks: number[] = [];
  for (let at = 0; at <= to - from && ticks.length <= maxTicks + 1; at += step) ticks.push(from + at);
  return ticks;
}
