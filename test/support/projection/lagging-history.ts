import type { BatchSummary } from '#src/core/batch-questions.ts';
import { HistoryUnavailableError, InvocationNotFoundError } from '#src/core/errors.ts';
import type { AskOptions, DeliverySummary, History, HistoryFilter, HistoryPage, InvocationSummary } from '#src/core/history-questions.ts';
import type { RequestId } from '#src/core/names/names.ts';
import { createProjectedInvocation } from '#src/projection/fold/projected-invocation.ts';
import { summaryOf } from '#src/projection/queries/list.ts';
import { queued } from '#test/support/log/facts.ts';

type Known = { invocations?: readonly InvocationSummary[]; deadLetters?: readonly DeliverySummary[]; batches?: readonly BatchSummary[] };
type Query = HistoryFilter & { id?: string; limit?: number; cursor?: string };
type Log = {
  /** The last sequence of the log. */
  last: number;
  /** What the read model knows once it has read that message. */
  known: Known;
  /** What the read model knows before that. */
  before?: Known;
  /** The read model stays behind, so it refuses every question that names the last sequence. */
  isStuck?: boolean;
};

/** A read model that is behind the log: only a question that names the last sequence is answered from the present state. */
export function createLaggingHistory({ last, known, before = {}, isStuck = false }: Log): History {
  return {
    instances: async () => ['lagging'],
    async ask(question, query, { atLeast = 0 }: AskOptions = {}) {
      if (isStuck && atLeast >= last) throw new HistoryUnavailableError({ why: 'the read model is behind', isBehind: true });
      const answer = answers[question as keyof typeof answers];
      return answer({ last, ...(atLeast >= last ? known : before) }, query as Query) as never;
    },
  };
}

const answers = {
  get: ({ invocations }: Known, { id }: Query) => ({ ...one(invocations, id), payload: '{}', response: null, deliveries: [] }),
  tree: ({ invocations }: Known, { id }: Query) => ({ root: one(invocations, id).id, nodes: [...(invocations ?? [])], isCut: false }),
  list: ({ invocations }: Known, query: Query): HistoryPage => {
    const { rows, cursor } = pageOf(matching(invocations, query), query);
    return { invocations: rows, cursor };
  },
  count: ({ invocations }: Known, query: Query) => ({ count: matching(invocations, query).length, isAtLeast: false }),
  stats: ({ invocations = [] }: Known) => ({ rows: invocations.length === 0 ? [] : [statsOf(invocations)] }),
  dead: ({ deadLetters = [] }: Known, query: Query) => {
    const { rows, cursor } = pageOf(deadLetters, query);
    return { deadLetters: rows, cursor };
  },
  batches: ({ batches = [], last }: Known & { last: number }) => ({ batches: [...batches], cursor: null, sequence: last }),
};

function one(invocations: Known['invocations'] = [], id = ''): InvocationSummary {
  const found = invocations.find((row) => row.id === id);
  if (found === undefined) throw new InvocationNotFoundError({ id });
  return found;
}

function matching(invocations: Known['invocations'] = [], { state, status }: Query): InvocationSummary[] {
  return invocations.filter((row) => (state?.includes(row.state) ?? true) && (status?.includes(row.status) ?? true));
}

/** The cursor is the number of rows before the next page. */
function pageOf<Row>(all: readonly Row[], { limit = 50, cursor = '0' }: Query): { rows: Row[]; cursor: string | null } {
  const end = Number(cursor) + limit;
  return { rows: all.slice(Number(cursor), end), cursor: end < all.length ? String(end) : null };
}

function statsOf(invocations: readonly InvocationSummary[]): object {
  const row = { function: 'test1', from: null, byState: {}, byCondition: {}, durationInMs: null, queueInMs: null };
  return { ...row, accepted: invocations.length };
}

/** Queued invocations of the function `test1`: `order-0`, `order-1`, … */
export function summaries(count: number, part: Partial<InvocationSummary> = {}): InvocationSummary[] {
  return Array.from({ length: count }, (_, index) => {
    const fact = queued({ invocation: `order-${index}` as RequestId, function: 'test1' as never });
    const accepted = { seq: index + 1, requestSequence: index + 1, payload: '{}', last: { sequence: index + 1, at: 0 } };
    return { ...summaryOf(createProjectedInvocation(fact, accepted)), ...part };
  });
}
