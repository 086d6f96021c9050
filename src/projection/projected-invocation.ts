import { deliveryOf } from '#machines/deliveries.ts';
import type { Fact, FactOf } from '#machines/facts.ts';
import { type Invocation, invocationFolder } from '#machines/invocation.ts';
import { statusOf } from '#machines/status.ts';
import { forkOf } from './forks.ts';
import { type InvocationColumn, invocationColumns } from './schema.ts';
import type { Value } from './sqlite.ts';

/** The sequence and the time of a message of the log. */
export type LogPosition = { sequence: number; at: number };

/** An invocation while it is folded: its machine, and further values of the read model. */
export type ProjectedInvocation = {
  /** The key of the row: the sequence of the request and the index in its message. */
  seq: number;
  /** The sequence of the first request of the stream. */
  requestSequence: number;
  snapshot: Invocation;
  payload: string;
  /** When the first attempt started. */
  startedAt: number | null;
  notifiedAt: number | null;
  /** The message that changed the invocation last. */
  last: LogPosition;
  /** The error as the file holds it: only a changed error is indexed again. */
  storedError: string | null;
  isStored: boolean;
  isDirty: boolean;
};

export function createProjectedInvocation(
  fact: FactOf<'queued'>,
  accepted: Pick<ProjectedInvocation, 'seq' | 'requestSequence' | 'payload' | 'last'>,
): ProjectedInvocation {
  const step = invocationFolder.step(invocationFolder.initial, fact);
  if (step === undefined) throw new Error(`the machine refuses the request of ${fact.invocation}`);
  return {
    ...accepted,
    snapshot: step.snapshot,
    startedAt: null,
    notifiedAt: null,
    storedError: null,
    isStored: false,
    isDirty: false,
  };
}

/** Folds one fact. Returns false, and changes nothing, when the machine refuses the fact. */
export function foldFact(projected: ProjectedInvocation, fact: Fact, position: LogPosition): boolean {
  const step = invocationFolder.step(projected.snapshot, fact);
  if (step === undefined) return false;
  projected.snapshot = step.snapshot;
  projected.last = position;
  if (fact.type === 'running') projected.startedAt ??= fact.at;
  if (fact.type === 'notified') projected.notifiedAt = fact.at;
  return true;
}

const MAX_ERROR = 2_000;

/** The last error, as answers show it and searches find it. */
export function errorOf({ snapshot: { context } }: ProjectedInvocation): string | null {
  const { outcome, failure } = context;
  if (failure === null || outcome?.type === 'succeeded') return null;
  return `${failure.errorType}: ${failure.message}`.slice(0, MAX_ERROR);
}

/** The class of a duration: eight classes per doubling. */
export function durationClassOf(duration: number): number {
  return duration < 1 ? 0 : 1 + Math.floor(Math.log2(duration) * 8);
}

/** The row of `invocations`, in the order of its columns. */
export function rowOf(projected: ProjectedInvocation, error: string | null): Value[] {
  const values = valuesOf(projected, error);
  return invocationColumns.map((column) => values[column]);
}

/** Some columns of the row. */
export function columnsOf(projected: ProjectedInvocation, columns: readonly InvocationColumn[]): Value[] {
  const values = valuesOf(projected, errorOf(projected));
  return columns.map((column) => values[column]);
}

const noRequest = { invocation: '', function: '', qualifier: '', at: 0, lineage: undefined, redriveOf: undefined };
const noLineage = { root: null, parent: null, hop: null };

function valuesOf(projected: ProjectedInvocation, error: string | null): Record<InvocationColumn, Value> {
  const { seq, requestSequence, snapshot, startedAt, notifiedAt, last } = projected;
  const { value, context } = snapshot;
  const { outcome, attempts, retries, lost } = context;
  const request = context.request ?? noRequest;
  const lineage = request.lineage ?? noLineage;
  const duration = outcome === null ? null : Math.round(outcome.at - request.at);
  return {
    seq,
    request_sequence: requestSequence,
    id: request.invocation,
    function: request.function,
    qualifier: request.qualifier,
    state: value,
    status: statusOf(snapshot),
    condition: outcome?.type === 'failed' ? outcome.condition : null,
    accepted_at: request.at,
    started_at: startedAt,
    ended_at: outcome?.at ?? null,
    notified_at: notifiedAt,
    duration,
    duration_class: duration === null ? null : durationClassOf(duration),
    attempts,
    retries,
    lost,
    root: lineage.root,
    parent: lineage.parent,
    hop: lineage.hop,
    redrive_of: request.redriveOf ?? null,
    error,
    error_type: error === null ? null : (context.failure?.errorType ?? null),
    error_code: error === null ? null : (context.failure?.code ?? null),
    last_sequence: last.sequence,
    last_at: last.at,
    fork: forkOf(requestSequence, last.sequence),
  };
}

/** The rows of `deliveries`: one for each destination of the outcome. */
export function deliveryRowsOf({ seq, snapshot: { context } }: ProjectedInvocation): Value[][] {
  const destinations = context.outcome?.destinations;
  if (destinations === undefined) return [];
  return destinations.map(({ id, destination, param }) => {
    const delivery = deliveryOf(context, id);
    const facts = delivery?.context;
    return [seq, id, destination, param, delivery?.value ?? 'pending', facts?.tries ?? 0, facts?.dueAt ?? null, facts?.reason ?? null];
  });
}
