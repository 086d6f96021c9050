import { formatDuration } from '#src/core/text/format-duration.ts';
import { failureSummary, messageText } from '../../parts/failure-summary.ts';
import { t } from '../../shell/language.ts';
import type { NamedEvent } from '../named-events.ts';

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

type OpenSpan = Omit<Span, 'to'>;

/**
 * The spans of an invocation: a lane for the execution, and one for each delivery. `waitsFor` says why the execution waits now. A span that would end before its start, because
 * two machines have different clocks, has no length.
 */
export function lanesOf(events: readonly NamedEvent[], waitsFor?: string): Lane[] {
  const lanes = new Map<string, { name: string; spans: Span[]; open: OpenSpan | undefined }>([
    ['', { name: t('Execution'), spans: [], open: undefined }],
  ]);
  for (const event of events) {
    if (event.is_refused) continue;
    const { fact } = event;
    const id = 'destination' in fact ? fact.destination : '';
    const lane = lanes.get(id) ?? { name: id, spans: [], open: undefined };
    lanes.set(id, lane);
    const { open } = lane;
    if (open !== undefined && fact.type !== 'notified' && fact.type !== 'redriven') {
      lane.spans.push(...closedBy(event, open));
      lane.open = undefined;
    }
    lane.open ??= openedBy(event);
  }
  return [...lanes].map(([id, { name, spans, open }]) => ({
    id,
    name,
    spans: open === undefined ? spans : [...spans, id === '' && open.kind === 'wait' ? { ...open, note: waitsFor ?? open.note } : open],
  }));
}

/** The wait of a delayed request for its due time is a span of its own, before that for a worker. */
function closedBy(event: NamedEvent, open: OpenSpan): Span[] {
  const { dueAt } = open;
  if (open.tone !== 'queued' || dueAt === undefined || event.at < dueAt)
    return [{ ...open, to: Math.max(open.from, event.at), event: event.name, ...endedBy(event, open) }];
  const { dueAt: _, ...queued } = { ...open, from: dueAt, label: t('queued'), note: t('waited for a worker') };
  return [
    { ...open, to: dueAt },
    { ...queued, to: event.at, event: event.name, ...endedBy(event, queued) },
  ];
}

function endedBy({ fact, at }: NamedEvent, open: OpenSpan): Partial<Span> {
  const took = formatDuration(Math.max(0, at - open.from));
  const failed = (reason: string): Partial<Span> => ({
    tone: 'failed',
    note: t('failed after {duration}: {reason}', { duration: took, reason }),
  });
  if (open.kind === 'wait') return { note: t('{what}, for {duration}', { what: open.note, duration: took }) };
  switch (fact.type) {
    case 'succeeded':
    case 'delivery.delivered':
      return {
        tone: 'succeeded',
        note:
          fact.type === 'succeeded'
            ? t('succeeded after {duration}', { duration: took })
            : t('delivered after {duration}', { duration: took }),
      };
    case 'failed': {
      const { condition, failure } = fact;
      const reason =
        condition === 'UnhandledInvocationError' ? failureSummary(failure.message) : `${condition}, ${messageText(failure.message)}`;
      return failed(reason);
    }
    case 'retrying':
      return failed(failureSummary(fact.failure.message));
    case 'delivery.failed':
      return failed(messageText(fact.reason));
    case 'delivery.dead':
      return { tone: 'failed', note: t('dead after {duration}: {reason}', { duration: took, reason: messageText(fact.reason) }) };
    default:
      return {};
  }
}

function openedBy({ fact, at, name }: NamedEvent): OpenSpan | undefined {
  const open = (span: Pick<Span, 'kind' | 'tone' | 'label' | 'note' | 'dueAt'>): OpenSpan => ({
    ...span,
    from: at,
    event: name,
    startEvent: name,
  });
  const retryWait = { kind: 'wait', tone: 'retrying', label: t('wait') } as const;
  switch (fact.type) {
    case 'queued':
      if (fact.dueAt !== undefined)
        return open({ kind: 'wait', tone: 'queued', label: t('delayed'), note: t('waited until it was due'), dueAt: fact.dueAt });
      return open({ kind: 'wait', tone: 'queued', label: t('queued'), note: t('waited for a worker') });
    case 'deferred':
      return open({
        kind: 'wait',
        tone: 'queued',
        label: fact.flow.debounce === undefined ? t('deferred') : t('debounced'),
        note: fact.flow.debounce === undefined ? waitedFor(fact.flow) : t('waited for further requests of the key {key}', fact.flow),
      });
    case 'debounce.closed':
      return open({ kind: 'wait', tone: 'queued', label: t('queued'), note: t('waited for a worker') });
    case 'debounce.joined':
      return open({
        kind: 'wait',
        tone: 'queued',
        label: t('member'),
        note: t('waited for the outcome of {id}', { id: fact.leader.invocation }),
      });
    case 'running':
      return open({ kind: 'attempt', tone: 'running', label: t('attempt {attempt}', fact), note: t('runs on {worker}', fact) });
    case 'retrying':
      return open({ ...retryWait, note: t('waited until attempt {attempt} was due', { attempt: fact.attempt + 1 }), dueAt: fact.dueAt });
    case 'delivery.started':
      return open({ kind: 'delivery', tone: 'running', label: t('try {try}', fact), note: t('delivers to {destination}', fact) });
    case 'delivery.failed':
      return open({ ...retryWait, note: t('waited until try {try} was due', { try: fact.try + 1 }), dueAt: fact.dueAt });
    case 'delivery.postponed':
      return open({ ...retryWait, note: t('postponed: {reason}', fact), dueAt: fact.dueAt });
    case 'delivery.redriven':
      return open({ kind: 'wait', tone: 'queued', label: t('wait'), note: t('waited for another try') });
    default:
      return undefined;
  }
}

function waitedFor({ key, rate }: { key: string; rate?: object | undefined }): string {
  if (rate !== undefined) return t('waited for its rate');
  return key === '' ? t('waited for a slot') : t('waited for a slot of the key {key}', { key });
}
