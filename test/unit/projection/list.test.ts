import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Fact, Failure } from '#machines/facts.ts';
import { type Invocation, invocationFolder } from '#machines/invocation.ts';
import { statusOf } from '#machines/status.ts';
import { DEFAULT_PRIORITY, rankOf } from '#src/core/functions/priority.ts';
import { type HistoryFilter, type ListOrder, listOrders, states, statuses, wordsIn } from '#src/core/history-questions.ts';
import { splitName } from '#src/core/names/names.ts';
import { list } from '#src/projection/queries/list.ts';
import { readSorted } from '#src/projection/queries/sorted-list.ts';
import { countOf } from '#src/projection/stats/stats.ts';
import type { Store } from '#src/projection/store/store.ts';
import { foldInto, openModel } from '#test/support/projection/folded-model.ts';
import { createWrittenLog, type WrittenLog } from '#test/support/projection/written-log.ts';

const terms = { revision: 1, timeoutInMs: 1, maxRetries: 9, maxAgeInMs: 1, backoff: { initialInMs: 1, factor: 1, maxInMs: 1, jitter: 0 } };
const failureConditions = ['UnhandledInvocationError', 'EventAgeExceeded', 'SystemError'] as const;
const words = ['red', 'green', 'blue', 'reddish', '42'] as const;

type Life = {
  fn: string;
  qualifier: string;
  runs: string;
  text: string[];
  attempts: number;
  end: 'none' | 'retrying' | 'succeeded' | (typeof failureConditions)[number];
  took: number;
  isNotified: boolean;
  root: number;
  error: string;
  gap: number;
  /** Of a delayed request. */
  delay: number;
  batch: string;
  /** The key that the first attempt waited for. */
  key: string;
  waitsKind: 'slot' | 'rate' | 'debounce';
};

const life: fc.Arbitrary<Life> = fc.record({
  fn: fc.constantFrom('a', 'b', 'c', 'p2=a', 'p2=b', 'p3=a'),
  qualifier: fc.constantFrom('latest', 'latest', 'v2'),
  runs: fc.constantFrom('latest', 'latest', 'v1', 'v2'),
  text: fc.array(fc.constantFrom(...words), { maxLength: 3 }),
  attempts: fc.integer({ min: 0, max: 4 }),
  end: fc.constantFrom('none', 'retrying', 'succeeded', ...failureConditions),
  took: fc.integer({ min: 0, max: 3_000 }),
  isNotified: fc.boolean(),
  root: fc.integer({ min: 0, max: 4 }),
  error: fc.constantFrom(...words),
  gap: fc.integer({ min: -2_000, max: 5_000 }),
  delay: fc.constantFrom(0, 0, 700, 9_000),
  batch: fc.constantFrom('', '', 'one', 'two'),
  key: fc.constantFrom('', '', 'k-0', 'k-1'),
  waitsKind: fc.constantFrom('slot', 'rate', 'debounce'),
});

type Known = { id: string; qualifier: string; invocation: Invocation; payload: string; error: string | null; life: Life };

const isEnd = (one: string): one is (typeof failureConditions)[number] => failureConditions.some((condition) => condition === one);

const waits = {
  slot: {},
  rate: { rate: { limit: 1, perInMs: 1_000, burst: 1, dueAt: 1 } },
  debounce: { debounce: { keep: 'last', waitInMs: 1_000, maxWaitInMs: 10_000 } },
} as const;

/** The facts after the request. */
function factsOf(id: string, at: number, { attempts, end, took, isNotified, error, runs, fn, key, waitsKind }: Life): Fact[] {
  const fixed = runs === 'latest' ? terms : { ...terms, version: runs };
  const failure = { kind: 'function', errorType: 'Oops', message: error, code: 1 } as const;
  const facts: Fact[] = [];
  const flow = { pool: fn === 'b' ? 'pool.erp' : `function.${fn}`, key, ...waits[waitsKind] };
  if (key !== '') facts.push({ type: 'deferred', invocation: id, at, flow });
  const retry = (attempt: number): Fact => ({ type: 'retrying', invocation: id, at, attempt, dueAt: at, failure });
  for (let attempt = 1; attempt <= attempts; attempt++) {
    if (attempt > 1) facts.push(retry(attempt - 1));
    facts.push({ type: 'running', invocation: id, at, attempt, worker: 'w', ...(attempt === 1 ? { terms: fixed } : {}) });
  }
  if (attempts > 0 && end === 'retrying') facts.push(retry(attempts));
  const outcome = outcomeOf({ attempts, end }, { invocation: id, at: at + took, attempt: attempts }, failure);
  if (outcome === undefined) return facts;
  return [...facts, outcome, ...(isNotified ? [{ type: 'notified', invocation: id, at: at + took } as const] : [])];
}

function outcomeOf(
  { attempts, end }: Pick<Life, 'attempts' | 'end'>,
  about: { invocation: string; at: number; attempt: number },
  failure: Failure,
): Fact | undefined {
  if (isEnd(end)) return { type: 'failed', ...about, condition: end, failure };
  return attempts > 0 && end === 'succeeded' ? { type: 'succeeded', ...about, payload: '1' } : undefined;
}

/** Writes a life, and folds it with the machine alone. */
function write(log: WrittenLog, given: Life, index: number): Known {
  const id = `i-${index}`;
  const { fn, qualifier, end, root, error, text, gap, delay, batch } = given;
  const headers: Record<string, string> = { Qualifier: qualifier };
  if (root > 0) headers.Lineage = `root-${root}/parent-${root % 2}/1`;
  if (root === 4) headers['Redrive-Of'] = 'i-0';
  if (batch !== '') headers['Member-Of'] = batch;
  if (root > 0) headers.Priority = String(2 * root);
  if (root > 1) headers.Schedule = `nightly-${root % 2}/1000000`;
  if (delay > 0) headers['Deliver-At'] = `+${delay}ms`;
  const payload = JSON.stringify(text);
  const at = 1_000_000 + index * 1_000 + gap;
  const sequence = log.request(fn, id, payload, { headers, at });
  const facts = factsOf(id, at + delay, given);
  for (const fact of facts) log.append(fn, id, sequence, [fact]);
  const accepted = log.decodedRequest(sequence)?.requests[0]?.fact;
  if (accepted === undefined) throw new Error('no request');
  let invocation = invocationFolder.initial;
  for (const fact of [accepted, ...facts]) invocation = invocationFolder.step(invocation, fact)?.snapshot ?? invocation;
  const hasError = invocation.context.failure !== null && end !== 'succeeded';
  return { id, qualifier, invocation, payload, error: hasError ? `Oops ${error}` : null, life: given };
}

const filter: fc.Arbitrary<HistoryFilter> = fc.record(
  {
    id: fc.constantFrom('i-0', 'i-1', 'i-2', 'unknown'),
    function: fc.constantFrom('a', 'b', 'p2=a', 'unknown'),
    project: fc.constantFrom('', 'p2', 'p3', 'p'),
    qualifier: fc.constantFrom('latest', 'v2'),
    version: fc.constantFrom('latest', 'v1', 'v2'),
    state: fc.uniqueArray(fc.constantFrom(...states), { minLength: 1, maxLength: 3 }),
    status: fc.uniqueArray(fc.constantFrom(...statuses), { minLength: 1, maxLength: 3 }),
    condition: fc.uniqueArray(fc.constantFrom(...failureConditions), { minLength: 1, maxLength: 2 }),
    since: fc.integer({ min: 999_000, max: 1_020_000 }),
    until: fc.integer({ min: 999_000, max: 1_030_000 }),
    dueBefore: fc.integer({ min: 999_000, max: 1_040_000 }),
    root: fc.constantFrom('root-1', 'root-4'),
    parent: fc.constantFrom('parent-0', 'parent-1'),
    redriveOf: fc.constantFrom('i-0', 'i-1'),
    batch: fc.constantFrom('one', 'two', 'unknown'),
    waitsPool: fc.uniqueArray(fc.constantFrom('function.a', 'pool.erp', 'unknown'), { minLength: 1, maxLength: 2 }),
    waitsKey: fc.constantFrom('k-0', 'k-1'),
    waitsKind: fc.uniqueArray(fc.constantFrom('slot', 'rate', 'debounce'), { minLength: 1, maxLength: 2 }),
    schedule: fc.constantFrom('nightly-0', 'nightly-1'),
    priority: fc.integer({ min: 0, max: 9 }),
    minPriority: fc.integer({ min: 0, max: 9 }),
    rankBelow: fc.record({ rank: fc.integer({ min: 995_000, max: 1_020_000 }), agingInMs: fc.constantFrom(0, 1_000) }),
    before: fc.record({ id: fc.constantFrom('i-1', 'i-5', 'i-9'), function: fc.constantFrom('a', 'b', 'c') }),
    minAttempts: fc.integer({ min: 0, max: 4 }),
    maxAttempts: fc.integer({ min: 0, max: 4 }),
    minDurationInMs: fc.integer({ min: 0, max: 2_500 }),
    maxDurationInMs: fc.integer({ min: 0, max: 3_500 }),
    text: fc.constantFrom('red', 'RED green', '42', 'oops', 'oops red', 'redd*', 'blue red*'),
  },
  { requiredKeys: [] },
);

/** Evaluates each condition of the filter directly. */
function matches({ id, qualifier, invocation, payload, error, life }: Known, wanted: HistoryFilter, known: readonly Known[]): boolean {
  const { value, context } = invocation;
  const { request, outcome } = context;
  const at = request?.at ?? 0;
  const condition = outcome?.type === 'failed' ? outcome.condition : '';
  const isBefore = (asked: { id: string; function: string }): boolean => {
    const other = known.find((one) => one.id === asked.id && one.life.fn === asked.function);
    return other !== undefined && known.findIndex((one) => one.id === id) < known.indexOf(other);
  };
  const took = outcome === null ? -1 : outcome.at - (request?.dueAt ?? at);
  const conditions: { [Name in keyof Required<HistoryFilter>]: (asked: NonNullable<HistoryFilter[Name]>) => boolean } = {
    id: (asked) => id === asked,
    function: (asked) => life.fn === asked,
    project: (asked) => (splitName(life.fn).project ?? '') === asked,
    qualifier: (asked) => qualifier === asked,
    version: (asked) => context.terms !== null && (context.terms.version ?? 'latest') === asked,
    state: (asked) => (asked as string[]).includes(value),
    status: (asked) => asked.includes(statusOf(invocation)),
    condition: (asked) => (asked as string[]).includes(condition),
    since: (asked) => at >= asked,
    until: (asked) => at < asked,
    dueBefore: (asked) => (context.dueAt ?? Number.POSITIVE_INFINITY) < asked,
    root: (asked) => request?.lineage?.root === asked,
    parent: (asked) => request?.lineage?.parent === asked,
    redriveOf: (asked) => request?.redriveOf === asked,
    batch: (asked) => request?.batch === asked,
    waitsPool: (asked) => asked.includes(context.waitsFor?.pool ?? ''),
    waitsKey: (asked) => context.waitsFor?.key === asked,
    waitsKind: (asked) => context.waitsFor !== null && asked.includes(life.waitsKind),
    schedule: (asked) => request?.schedule?.name === asked,
    priority: (asked) => (request?.priority ?? DEFAULT_PRIORITY) === asked,
    minPriority: (asked) => (request?.priority ?? DEFAULT_PRIORITY) >= asked,
    rankBelow: ({ rank, agingInMs }) => {
      const own = rankOf(request?.dueAt ?? at, request?.priority, agingInMs);
      return own < rank || (own === rank && wanted.before !== undefined && isBefore(wanted.before));
    },
    before: (asked) => wanted.rankBelow !== undefined || isBefore(asked),
    minAttempts: (asked) => context.attempts >= asked,
    maxAttempts: (asked) => context.attempts <= asked,
    minDurationInMs: (asked) => took >= asked,
    maxDurationInMs: (asked) => took >= 0 && took <= asked,
    text: (asked) => holds(payload, asked) || holds(error ?? '', asked),
  };
  return Object.entries(wanted).every(([name, asked]) => conditions[name as keyof HistoryFilter](asked as never));
}

function holds(text: string, wanted: string): boolean {
  const found = wordsIn(text);
  const asked = wordsIn(wanted);
  return asked.every((word, index) =>
    wanted.endsWith('*') && index === asked.length - 1 ? found.some((one) => one.startsWith(word)) : found.includes(word),
  );
}

const tookOf = ({ invocation: { context } }: Known, absent: number): number =>
  context.outcome === null ? absent : Math.round(context.outcome.at - (context.request?.dueAt ?? context.request?.at ?? 0));
const attemptsOf = ({ invocation }: Known): number => invocation.context.attempts;
/** Compares invocations that are in the order of the newest first, which equal ones keep. */
const comparing: Readonly<Record<ListOrder, (one: Known, other: Known) => number>> = {
  newest: () => 0,
  oldest: (one, other) => Number(one.id.slice(2)) - Number(other.id.slice(2)),
  longest: (one, other) => tookOf(other, -1) - tookOf(one, -1),
  shortest: (one, other) => tookOf(one, 1e9) - tookOf(other, 1e9),
  'most-attempts': (one, other) => attemptsOf(other) - attemptsOf(one),
  'fewest-attempts': (one, other) => attemptsOf(one) - attemptsOf(other),
};

/** The ids of all pages. An order by a value is read in both ways: sorted as a whole, and value by value. */
function pagesOf(store: Store, { wanted, order, limit }: { wanted: HistoryFilter; order: ListOrder; limit: number }): string[] {
  const found: string[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = list([store], { ...wanted, order, limit, cursor });
    if (order !== 'newest' && order !== 'oldest') {
      const byValue = readSorted([store], { filter: wanted, order, limit, cursor }, { columns: 'i.seq, i.id', maxSorted: 0 });
      const ids = page.invocations.map(({ id }) => id);
      expect({ order, wanted, ids: byValue.rows.map(([, id]) => id), cursor: byValue.cursor }).toEqual({
        order,
        wanted,
        ids,
        cursor: page.cursor,
      });
    }
    found.push(...page.invocations.map(({ id }) => id));
    cursor = page.cursor;
  }
  return found;
}

test('every filter finds exactly the matching invocations, in every order, page by page', {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(life, { minLength: 1, maxLength: 30 }),
      fc.array(filter, { minLength: 8, maxLength: 8 }),
      fc.integer({ min: 1, max: 7 }),
      async (lives, filters, limit) => {
        const log = createWrittenLog();
        const known = lives.map((one, index) => write(log, one, index));
        const store = openModel(log);
        await foldInto(store, log);
        for (const [index, wanted] of filters.entries()) {
          const found: string[] = [];
          for (let cursor: string | undefined | null; cursor !== null; ) {
            const page = list([store], { ...wanted, limit, cursor });
            found.push(...page.invocations.map(({ id }) => id));
            cursor = page.cursor;
          }
          const matching = known.filter((one) => matches(one, wanted, known)).reverse();
          const expected = matching.map(({ id }) => id);
          expect({ wanted, found }).toEqual({ wanted, found: expected });
          const order = listOrders[index % listOrders.length] ?? 'newest';
          const sorted = matching.toSorted(comparing[order]).map(({ id }) => id);
          expect({ wanted, order, found: pagesOf(store, { wanted, order, limit }) }).toEqual({ wanted, order, found: sorted });
          expect(countOf([store], { ...wanted, most: 1_000 })).toEqual({ count: expected.length, isAtLeast: false });
          if (expected.length > 1) expect(countOf([store], { ...wanted, most: 1 })).toEqual({ count: 1, isAtLeast: true });
        }
        store.close();
      },
    ),
    { numRuns: 60 },
  );
});

test('a project with too many functions for a merge is listed as exactly as a small project', async () => {
  const log = createWrittenLog();
  for (let index = 0; index < 70; index++)
    for (const project of ['', 'p2=']) log.request(`${project}f${index}`, `${project}${index}`, '1', {});
  const store = openModel(log);
  await foldInto(store, log);
  for (const project of ['', 'p2']) {
    const { invocations } = list([store], { project, limit: 500 });
    expect(invocations.map(({ function: fn }) => fn)).toEqual(
      Array.from({ length: 70 }, (_, index) => `${project === '' ? '' : 'p2='}f${69 - index}`),
    );
  }
  store.close();
});
