import { deliveryOf } from '#machines/deliveries.ts';
import type { Fact, FactOf } from '#machines/facts.ts';
import { type Invocation, invocationFolder } from '#machines/invocation.ts';
import { statusOf } from '#machines/status.ts';
import { forkOf } from './forks.ts';
import { type InvocationColumn, invocationColumns } from './schema.ts';
import type { Value } from './sqlite.ts';

/** A message of the log: where it stands, and when it came there. */
export type LogPosition = { sequence: number; at: number };

/** An invocation while it is folded: its machine, and what the read model shows beside it. */
export type ProjectedInvocation = {
  seq: number;
  requestSequence: number;
  invocation: Invocation;
  payload: string;
  /** When its first attempt started. */
  startedAt: number | null;
  notifiedAt: number | null;
  /** The message that changed it last. */
  last: LogPosition;
  /** The error as it is stored: only a change is indexed again. */
  storedError: string | null;
  isStored: boolean;
  isDirty: boolean;
};

export function createProjectedInvocation(
  fact: FactOf<'queued'>,
  born: Pick<ProjectedInvocation, 'seq' | 'requestSequence' | 'payload' | 'last'>,
): ProjectedInvocation {
  const step = invocationFolder.step(invocationFolder.initial, fact);
  if (step === undefined) throw new Error(`the machine refuses the birth of ${fact.invocation}`);
  return {
    ...born,
    invocation: step.snapshot,
    startedAt: null,
    notifiedAt: null,
    storedError: null,
    isStored: false,
    isDirty: false,
  };
}

/** Folds one fact; false when the machine refuses it, and nothing changed. */
export function foldInto(member: ProjectedInvocation, fact: Fact, position: LogPosition): boolean {
  const step = invocationFolder.step(member.invocation, fact);
  if (step === undefined) return false;
  member.invocation = step.snapshot;
  member.last = position;
  if (fact.type === 'running') member.startedAt ??= fact.at;
  if (fact.type === 'notified') member.notifiedAt = fact.at;
  return true;
}

const MAX_ERROR = 2_000;

/** What went wrong last, as it is shown and searched. */
export function errorOf({ invocation: { context } }: ProjectedInvocation): string | null {
  const { outcome, failure } = context;
  if (failure === null || outcome?.type === 'succeeded') return null;
  return `${failure.errorType}: ${failure.message}`.slice(0, MAX_ERROR);
}

/** The class of a duration, eight to a doubling. */
export function durationClassOf(duration: number): number {
  return duration < 1 ? 0 : 1 + Math.floor(Math.log2(duration) * 8);
}

/** The row of `invocations`, in the order of its columns. */
export function rowOf(member: ProjectedInvocation, error: string | null): Value[] {
  const values = valuesOf(member, error);
  return invocationColumns.map((column) => values[column]);
}

function valuesOf(member: ProjectedInvocation, error: string | null): Record<InvocationColumn, Value> {
  const { seq, requestSequence: birth, invocation, startedAt, notifiedAt, last } = member;
  const { value, context } = invocation;
  const { request, outcome, attempts, retries, lost } = context;
  const acceptedAt = request?.at ?? 0;
  const duration = outcome === null ? null : Math.round(outcome.at - acceptedAt);
  const lineage = request?.lineage;
  return {
    seq,
    birth,
    id: request?.invocation ?? '',
    function: request?.function ?? '',
    qualifier: request?.qualifier ?? '',
    state: value,
    status: statusOf(invocation),
    condition: outcome?.type === 'failed' ? outcome.condition : null,
    accepted_at: acceptedAt,
    started_at: startedAt,
    ended_at: outcome?.at ?? null,
    notified_at: notifiedAt,
    duration,
    slow: duration === null ? null : durationClassOf(duration),
    attempts,
    retries,
    lost,
    root: lineage?.root ?? null,
    parent: lineage?.parent ?? null,
    hop: lineage?.hop ?? null,
    redrive_of: request?.redriveOf ?? null,
    error,
    error_code: error === null ? null : (context.failure?.code ?? null),
    last_sequence: last.sequence,
    last_at: last.at,
    fork: forkOf(birth, last.sequence),
  };
}

/** Some columns of the row. */
export function columnsOf(member: ProjectedInvocation, columns: readonly InvocationColumn[]): Value[] {
  const values = valuesOf(member, errorOf(member));
  return columns.map((column) => values[column]);
}

/** The rows of `deliveries`: one for each destination of the outcome. */
export function deliveryRowsOf({ seq, invocation: { context } }: ProjectedInvocation): Value[][] {
  const destinations = context.outcome?.destinations;
  if (destinations === undefined) return [];
  return destinations.map(({ id, destination, param }) => {
    const delivery = deliveryOf(context, id);
    const facts = delivery?.context;
    return [seq, id, destination, param, delivery?.value ?? 'pending', facts?.tries ?? 0, facts?.dueAt ?? null, facts?.reason ?? null];
  });
}
