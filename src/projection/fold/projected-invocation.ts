import { deliveryOf } from '#machines/deliveries.ts';
import type { Fact, FactOf } from '#machines/facts.ts';
import { type Invocation, invocationFolder } from '#machines/invocation.ts';
import { statusOf } from '#machines/status.ts';
import { holdsSealed } from '#src/core/encryption/sealed-text.ts';
import { waitKindOf } from '#src/core/flow/wait-kind.ts';
import { qualifierOf } from '#src/core/functions/entry.ts';
import { type Tallied, talliedColumns } from '#src/projection/stats/tallies.ts';
import type { InvocationColumn } from '#src/projection/store/schema.ts';
import type { Value } from '#src/projection/store/sqlite.ts';
import { forkOf } from './forks.ts';

/** The sequence and the time of a message of the log. */
export type LogPosition = { sequence: number; at: number };

/** What is known about an invocation when its request was read. */
type AcceptedInvocation = {
  /** The key of the row: the sequence of the request and the index in its message. */
  seq: number;
  /** The sequence of the first request of the stream. */
  requestSequence: number;
  payload: string;
  /** The message that changed the invocation last. */
  last: LogPosition;
};

/**
 * An invocation while it is folded: its machine, and further values of the read model. A class, because V8 11 keeps an object that begins with
 * a spread slow for its whole life: 11 µs for an invocation instead of 1 (docs/performance.md V4).
 */
export class ProjectedInvocation {
  readonly seq: number;
  readonly requestSequence: number;
  snapshot: Invocation;
  payload: string;
  last: LogPosition;
  /** When the first attempt started. */
  startedAt: number | null = null;
  /** When the attempt that runs started; null while none runs. */
  attemptAt: number | null = null;
  notifiedAt: number | null = null;
  /** The error as the file holds it: only a changed error is indexed again. */
  storedError: string | null = null;
  isStored = false;
  /** Whether all columns of {@link rareColumns} are null in the file. */
  isStoredPlain = false;
  isDirty = false;
  /** What the file counts of the invocation (`tallies.ts`). */
  tallied: Tallied = [];

  constructor(snapshot: Invocation, { seq, requestSequence, payload, last }: AcceptedInvocation) {
    this.seq = seq;
    this.requestSequence = requestSequence;
    this.snapshot = snapshot;
    this.payload = payload;
    this.last = last;
  }
}

export function createProjectedInvocation(fact: FactOf<'queued'>, accepted: AcceptedInvocation): ProjectedInvocation {
  const step = invocationFolder.step(invocationFolder.initial, fact);
  if (step === undefined) throw new Error(`the machine refuses the request of ${fact.invocation}`);
  return new ProjectedInvocation(step.snapshot, accepted);
}

/** Folds one fact. Returns false, and changes nothing, when the machine refuses the fact. */
export function foldFact(projected: ProjectedInvocation, fact: Fact, position: LogPosition): boolean {
  const step = invocationFolder.step(projected.snapshot, fact);
  if (step === undefined) return false;
  projected.snapshot = step.snapshot;
  projected.last = position;
  if (fact.type === 'running') projected.startedAt ??= fact.at;
  if (fact.type === 'running') projected.attemptAt = fact.at;
  else if (endsAttempt.has(fact.type)) projected.attemptAt = null;
  if (fact.type === 'notified') projected.notifiedAt = fact.at;
  return true;
}

const endsAttempt: ReadonlySet<Fact['type']> = new Set(['retrying', 'succeeded', 'failed']);

const MAX_ERROR = 2_000;

/** The last error, as answers show it and searches find it. */
export function errorOf({ snapshot: { context } }: ProjectedInvocation): string | null {
  const { outcome, failure } = context;
  if (failure === null || outcome?.type === 'succeeded') return null;
  const error = `${failure.errorType}: ${failure.message}`;
  // A sealed text that is cut cannot be opened.
  return holdsSealed(error) ? error : error.slice(0, MAX_ERROR);
}

/** The class of a duration: eight classes per doubling. */
export function durationClassOf(duration: number): number {
  return duration < 1 ? 0 : 1 + Math.floor(Math.log2(duration) * 8);
}

/** The columns that are null for an invocation that nothing delayed, limited, grouped or failed, as most are. */
export const rareColumns: readonly InvocationColumn[] = [
  'condition',
  'first_due_at',
  'due_at',
  'waits_pool',
  'waits_key',
  'waits_since',
  'waits_kind',
  'priority',
  'root',
  'parent',
  'hop',
  'redrive_of',
  'batch',
  'schedule',
  'opened_batch',
  'error',
  'error_type',
  'error_code',
];

/** Whether all of {@link rareColumns} are null. */
export function isPlain({ snapshot: { context } }: ProjectedInvocation, error: string | null): boolean {
  const { request, outcome, dueAt, waitsFor } = context;
  if (error !== null || request === null || dueAt !== null || waitsFor !== null || outcome?.type === 'failed') return false;
  const { dueAt: firstDueAt, priority, lineage, redriveOf, batch, schedule, opens } = request;
  return (
    firstDueAt === undefined &&
    priority === undefined &&
    lineage === undefined &&
    redriveOf === undefined &&
    batch === undefined &&
    schedule === undefined &&
    opens === undefined
  );
}

/** Some columns of the row of `invocations`. */
export function columnsOf(projected: ProjectedInvocation, columns: readonly InvocationColumn[]): Value[] {
  const source = sourceOf(projected, errorOf(projected));
  return columns.map((column) => columnValues[column](source));
}

/** What the invocation adds to the statistics now (`tallies.ts`). */
export function tallyOfProjected(projected: ProjectedInvocation, book: { of(values: readonly Value[]): Tallied }): Tallied {
  writeTallied(projected, null, tallyInput, 0);
  return book.of(tallyInput);
}

/** A function that writes columns of the row of `invocations` into a list of values, from an index on. */
export type WriteColumns = (projected: ProjectedInvocation, error: string | null, values: Value[], at: number) => void;

/** Writes into a list that exists, because an array for each row would survive a collection until the rows are stored. */
export function writerOf(columns: readonly InvocationColumn[]): WriteColumns {
  const valuesOf = columns.map((column) => columnValues[column]);
  return (projected, error, values, at) => {
    const source = sourceOf(projected, error);
    for (let index = 0; index < valuesOf.length; index++) values[at + index] = (valuesOf[index] as ColumnValue)(source);
  };
}

const noRequest = {
  invocation: '',
  function: '',
  qualifier: '',
  at: 0,
  dueAt: undefined,
  lineage: undefined,
  redriveOf: undefined,
  priority: undefined,
  batch: undefined,
  schedule: undefined,
  opens: undefined,
};
const noLineage = { root: null, parent: null, hop: null };

/** A delayed request that was cancelled before it was due has no length. */
function durationOf(request: Pick<FactOf<'queued'>, 'at' | 'dueAt'>, endedAt: number): number {
  return request.dueAt === undefined ? Math.round(endedAt - request.at) : Math.max(0, Math.round(endedAt - request.dueAt));
}

/** What the columns of one row are computed from. */
type RowSource = ReturnType<typeof sourceOf>;
type ColumnValue = (source: RowSource) => Value;

function sourceOf(projected: ProjectedInvocation, error: string | null) {
  const { context } = projected.snapshot;
  const request = context.request ?? noRequest;
  const duration = context.outcome === null ? null : durationOf(request, context.outcome.at);
  return { projected, context, error, request, lineage: request.lineage ?? noLineage, duration };
}

const columnValues: { readonly [Column in InvocationColumn]: ColumnValue } = {
  seq: ({ projected }) => projected.seq,
  request_sequence: ({ projected }) => projected.requestSequence,
  id: ({ request }) => request.invocation,
  function: ({ request }) => request.function,
  qualifier: ({ request }) => request.qualifier,
  state: ({ projected }) => projected.snapshot.value,
  status: ({ projected }) => statusOf(projected.snapshot),
  version: ({ context }) => (context.terms === null ? null : qualifierOf(context)),
  condition: ({ context: { outcome } }) => (outcome?.type === 'failed' ? outcome.condition : null),
  accepted_at: ({ request }) => request.at,
  first_due_at: ({ request }) => request.dueAt ?? null,
  started_at: ({ projected }) => projected.startedAt,
  ended_at: ({ context }) => context.outcome?.at ?? null,
  notified_at: ({ projected }) => projected.notifiedAt,
  due_at: ({ context }) => context.dueAt,
  waits_pool: ({ context }) => context.waitsFor?.pool ?? null,
  waits_key: ({ context }) => context.waitsFor?.key ?? null,
  waits_since: ({ context }) => context.waitsFor?.since ?? null,
  waits_kind: ({ context: { waitsFor } }) => (waitsFor === null ? null : waitKindOf(waitsFor)),
  priority: ({ request }) => request.priority ?? null,
  duration: ({ duration }) => duration,
  duration_class: ({ duration }) => (duration === null ? null : durationClassOf(duration)),
  attempts: ({ context }) => context.attempts,
  retries: ({ context }) => context.retries,
  lost: ({ context }) => context.lost,
  root: ({ lineage }) => lineage.root,
  parent: ({ lineage }) => lineage.parent,
  hop: ({ lineage }) => lineage.hop,
  redrive_of: ({ request }) => request.redriveOf ?? null,
  batch: ({ request }) => request.batch ?? null,
  schedule: ({ request }) => request.schedule?.name ?? null,
  opened_batch: ({ request }) => request.opens?.batch ?? null,
  error: ({ error }) => error,
  error_type: ({ error, context }) => (error === null ? null : (context.failure?.errorType ?? null)),
  error_code: ({ error, context }) => (error === null ? null : (context.failure?.code ?? null)),
  last_sequence: ({ projected }) => projected.last.sequence,
  last_at: ({ projected }) => projected.last.at,
  fork: ({ projected }) => forkOf(projected.requestSequence, projected.last.sequence),
};

const tallyInput: Value[] = talliedColumns.map(() => null);
const writeTallied = writerOf(talliedColumns);

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
