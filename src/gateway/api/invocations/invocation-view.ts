import { deliveryOf } from '#machines/deliveries.ts';
import type { Fact, FactOf, Outcome } from '#machines/facts.ts';
import { type Invocation, invocationFolder } from '#machines/invocation.ts';
import type { InvocationContext } from '#machines/invocation-context.ts';
import { firstDueAt } from '#machines/outcome.ts';
import { statusOf } from '#machines/status.ts';
import { type Moment, momentsOf } from '#src/analysis/history.ts';
import type { Timeline } from '#src/client/client.ts';
import { waitKindOf } from '#src/core/flow/wait-kind.ts';
import { qualifierOf } from '#src/core/functions/entry.ts';
import { shownPool } from '#src/core/functions/pool-names.ts';
import { whenTextInWords } from '#src/core/functions/when/when-in-words.ts';
import type { InvocationSummary } from '#src/core/history-questions.ts';
import { parseReference } from '#src/core/payloads/payload-reference.ts';
import type { Scope } from '../../scope.ts';
import type { DeliveryView, EventView, InvocationRow, InvocationView, LargeView, NotSentView } from './invocation-schemas.ts';

/** The length to which a row truncates an error. */
const MAX_ERROR_LENGTH = 200;
/** The length to which a row truncates a payload, also one that was stored sealed. */
const MAX_PAYLOAD_LENGTH = 256;

/** A row of the read model in the shape of the API, without its unknown fields. */
export function rowOf(found: InvocationSummary, scope: Scope): InvocationRow {
  const { id, durationInMs, acceptedAt, startedAt, endedAt, notifiedAt, error, condition } = found;
  return withoutUndefined({
    request_id: id,
    function: scope.nameOf(found.function),
    qualifier: found.qualifier,
    version: found.version ?? undefined,
    state: found.state,
    status: found.status,
    condition: condition ?? undefined,
    attempts: found.attempts,
    accepted_at: acceptedAt,
    started_at: startedAt ?? undefined,
    ended_at: endedAt ?? undefined,
    notified_at: notifiedAt ?? undefined,
    duration_ms: durationInMs ?? undefined,
    first_due_at: found.firstDueAt ?? undefined,
    next_due_at: found.dueAt ?? undefined,
    waits_for: waitOf(found),
    priority: found.priority ?? undefined,
    ...originOfRow(found),
    error: error?.slice(0, MAX_ERROR_LENGTH),
    payload: found.payload?.slice(0, MAX_PAYLOAD_LENGTH),
  });
}

type Origin = Pick<InvocationRow, 'root' | 'parent' | 'hop' | 'redrive_of' | 'batch' | 'schedule'>;

function originOfRow({ root, parent, hop, redriveOf, batch, schedule }: InvocationSummary): Origin {
  return withoutUndefined({
    root: root ?? undefined,
    parent: parent ?? undefined,
    hop: hop ?? undefined,
    redrive_of: redriveOf ?? undefined,
    batch: batch ?? undefined,
    schedule: schedule ?? undefined,
  });
}

type RecordedWait = Pick<InvocationSummary, 'waitsPool' | 'waitsKey' | 'waitsSince' | 'waitsKind'>;

function waitOf({ waitsPool: pool, waitsKey: key, waitsSince: since, waitsKind: kind }: RecordedWait): InvocationRow['waits_for'] {
  if (typeof pool !== 'string' || typeof since !== 'number') return undefined;
  return { pool: shownPool(pool).name, key: key ?? '', since, ...(typeof kind === 'string' ? { kind } : {}) };
}

/** One invocation in the shape of the API, folded from its timeline by the machine. */
export function viewOf(timeline: Timeline, scope: Scope): InvocationView {
  const moments = momentsOf(timeline);
  const last = moments.at(-1);
  const invocation = last?.after ?? invocationFolder.initial;
  const { context } = invocation;
  const facts = moments.filter(({ before, after }) => before !== after).map(({ fact }) => fact);
  const { requestPayload: payload } = timeline;
  return withoutUndefined({
    request_id: timeline.requestId,
    function: scope.nameOf(timeline.function),
    qualifier: timeline.qualifier,
    version: context.terms === null ? undefined : qualifierOf(context),
    state: timeline.state as InvocationView['state'],
    status: timeline.status,
    condition: context.outcome?.type === 'failed' ? context.outcome.condition : undefined,
    attempts: timeline.attempts,
    ...timesOf(invocation, facts),
    priority: context.request?.priority,
    ...originOf(invocation),
    leader: context.group?.leader?.invocation,
    members: context.group?.members?.length,
    error: context.failure?.message.slice(0, MAX_ERROR_LENGTH),
    retries: context.retries,
    lost: context.lost,
    worker: invocation.value === 'running' ? (context.worker ?? undefined) : undefined,
    request: withoutUndefined({
      payload,
      bytes: largeOf(payload)?.bytes ?? Buffer.byteLength(payload),
      large: largeOf(payload),
      content_type: 'application/json' as const,
      traceparent: context.request?.traceparent,
    }),
    result: resultViewOf(timeline, context.outcome),
    dropped_bytes: context.outcome?.type === 'succeeded' ? context.outcome.droppedBytes : undefined,
    failure: context.failure ?? undefined,
    outputs: facts.flatMap(outputOf),
    terms: context.terms ?? undefined,
    deliveries: deliveriesOf(context),
    not_sent: context.outcome?.notSent?.map(notSentViewOf),
    redriven_as: [...context.redrives],
    last_sequence: last?.sequence ?? 0,
  });
}

type Times = 'waits_for' | 'accepted_at' | 'first_due_at' | 'started_at' | 'ended_at' | 'notified_at' | 'duration_ms' | 'next_due_at';

function timesOf({ context }: Invocation, facts: readonly Fact[]): Pick<InvocationView, Times> {
  const { request, outcome, dueAt, waitsFor } = context;
  return withoutUndefined({
    waits_for:
      waitsFor === null
        ? undefined
        : waitOf({ waitsPool: waitsFor.pool, waitsKey: waitsFor.key, waitsSince: waitsFor.since, waitsKind: waitKindOf(waitsFor) }),
    accepted_at: request?.at ?? 0,
    first_due_at: request?.dueAt,
    started_at: facts.find((fact) => fact.type === 'running')?.at,
    ended_at: outcome?.at,
    notified_at: facts.find((fact) => fact.type === 'notified')?.at,
    duration_ms: outcome === null || request === null ? undefined : Math.max(0, outcome.at - firstDueAt(request)),
    next_due_at: dueAt ?? undefined,
  });
}

function originOf({ context: { request } }: Invocation): Origin {
  const { root, parent, hop } = request?.lineage ?? {};
  const { redriveOf, batch, schedule } = request ?? {};
  return withoutUndefined({ root, parent, hop, redrive_of: redriveOf, batch, schedule: schedule?.name });
}

/** A payload that is stored beside the log; `undefined` for every other one. */
function largeOf(payload: string | undefined): LargeView | undefined {
  const found = payload === undefined ? undefined : parseReference(payload);
  return found === undefined ? undefined : { bytes: found.bytes, digest: found.digest };
}

function resultViewOf({ envelope }: Timeline, outcome: Outcome | null): InvocationView['result'] {
  if (envelope === undefined) return undefined;
  return withoutUndefined({
    large: largeOf(outcome?.type === 'succeeded' ? outcome.stored : undefined),
    condition: envelope.request_context.condition,
    payload: envelope.response_payload,
    status_code: envelope.response_context.status_code,
    error: envelope.response_context.function_error,
  });
}

function outputOf(fact: Fact): InvocationView['outputs'] {
  return 'output' in fact && fact.output !== undefined && fact.output !== '' ? [{ attempt: fact.attempt, output: fact.output }] : [];
}

function deliveriesOf(context: InvocationContext): DeliveryView[] {
  return (context.outcome?.destinations ?? []).map(({ id, destination, param }) => {
    const delivery = deliveryOf(context, id);
    return withoutUndefined({
      destination_id: id,
      destination,
      param,
      state: (delivery?.value ?? 'pending') as DeliveryView['state'],
      tries: delivery?.context.tries ?? 0,
      due_at: delivery?.context.dueAt ?? undefined,
      reason: delivery?.context.reason ?? undefined,
      note: delivery?.context.note ?? undefined,
      postponed: delivery?.context.postponed ?? undefined,
    });
  });
}

function notSentViewOf({ id, destination, param, when, undecidable }: NonNullable<Outcome['notSent']>[number]): NotSentView {
  return withoutUndefined({ destination_id: id, destination, param, when: whenTextInWords(when), undecidable });
}

/** Every transition with the state after it. A reader can replay the transitions. */
export function eventsOf(timeline: Pick<Timeline, 'transitions'>): EventView[] {
  return momentsOf(timeline).map(eventOf);
}

/** One transition in the shape of the API. */
export function eventOf({ sequence, by, fact, before, after }: Moment): EventView {
  return withoutUndefined({
    sequence,
    by,
    at: fact.at,
    type: fact.type,
    attempt: 'attempt' in fact ? fact.attempt : undefined,
    why: whyOf(fact),
    state_after: after.value as EventView['state_after'],
    status_after: statusOf(after),
    deliveries_after: deliveryStatesOf(after),
    is_refused: before === after ? (true as const) : undefined,
    fact,
  });
}

function deliveryStatesOf({ context }: Invocation): EventView['deliveries_after'] {
  const states = (context.outcome?.destinations ?? []).map(({ id }) => [id, deliveryOf(context, id)?.value ?? 'pending'] as const);
  return Object.fromEntries(states) as EventView['deliveries_after'];
}

function whyOf(fact: Fact): string | undefined {
  if ('reason' in fact) return fact.reason;
  return 'failure' in fact ? (fact as FactOf<'failed'>).failure.message : undefined;
}

type Optional<Shape> = { [Key in keyof Shape as undefined extends Shape[Key] ? Key : never]?: Exclude<Shape[Key], undefined> };
type Required<Shape> = { [Key in keyof Shape as undefined extends Shape[Key] ? never : Key]: Shape[Key] };

/** The object without the properties that are `undefined`. */
export function withoutUndefined<Shape extends object>(shape: Shape): Optional<Shape> & Required<Shape> {
  return Object.fromEntries(Object.entries(shape).filter(([, value]) => value !== undefined)) as Optional<Shape> & Required<Shape>;
}
