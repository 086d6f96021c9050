import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { type HistoryFilter, type Moment, states, statuses } from '#src/core/history-questions.ts';
import { encodeRequests } from '#src/core/log/requests/request-messages.ts';
import { createStreamId, idAt } from '#src/core/names/ids.ts';
import type { StreamId } from '#src/core/names/names.ts';
import { Replay } from '#src/projection/fold/replay.ts';
import type { Projection } from '#src/projection/projection-port.ts';
import { createAnswers } from '#src/projection/queries/answers.ts';
import type { Store } from '#src/projection/store/store.ts';
import { foldInto, openModel } from '#test/support/projection/folded-model.ts';
import { createWrittenLog, type WrittenLog } from '#test/support/projection/written-log.ts';

type Answers = ReturnType<typeof createAnswers>;
type Opened = { store: Store; answers: Answers };

const open = (log: WrittenLog): Opened => {
  const store = openModel(log);
  return { store, answers: createAnswers({ store } as Projection, log.decode) };
};

const terms = { revision: 1, timeoutInMs: 1, maxRetries: 9, maxAgeInMs: 1, backoff: { initialInMs: 1, factor: 1, maxInMs: 1, jitter: 0 } };
const failure = { kind: 'function', errorType: 'Oops', message: 'red stock', code: 1 } as const;
const success = { id: 'success-0', destination: 'HTTP', param: '{}' };
const at = (sequence: number): number => sequence * 1_000;

/** The possible appends of an invocation. The machine may refuse an append; a refused append changes nothing. */
const appends: ((invocation: string, when: number) => Fact[])[] = [
  (invocation, when) => [{ type: 'running', invocation, at: when, attempt: 1, worker: 'w', terms }],
  (invocation, when) => [{ type: 'retrying', invocation, at: when, attempt: 1, dueAt: when, failure }],
  (invocation, when) => [{ type: 'running', invocation, at: when, attempt: 2, worker: 'w' }],
  (invocation, when) => [{ type: 'succeeded', invocation, at: when, attempt: 2, payload: '1', destinations: [success] }],
  (invocation, when) => [{ type: 'failed', invocation, at: when, attempt: 1, condition: 'UnhandledInvocationError', failure }],
  (invocation, when) => [{ type: 'failed', invocation, at: when, attempt: 0, condition: 'EventAgeExceeded', failure }],
  (invocation, when) => [{ type: 'delivery.started', invocation, at: when, destination: success.id, try: 1, deliverer: 'd' }],
  (invocation, when) => [{ type: 'delivery.dead', invocation, at: when, destination: success.id, try: 1, reason: 'gone' }],
  (invocation, when) => [{ type: 'notified', invocation, at: when }],
  (invocation, when) => [{ type: 'delivery.redriven', invocation, at: when, destination: success.id, try: 1 }],
  (invocation, when) => [{ type: 'redriven', invocation, at: when, redrive: 'again' }],
];

type Step = { stream: number; kind: 'request' | 'batch' | 'append' | 'foreign'; choice: number; fn: string; member: number };
const step: fc.Arbitrary<Step> = fc.record({
  stream: fc.integer({ min: 0, max: 7 }),
  kind: fc.constantFrom('request', 'batch', 'append', 'append', 'append', 'append', 'append', 'foreign'),
  choice: fc.integer({ min: 0, max: appends.length - 1 }),
  fn: fc.constantFrom('a', 'b'),
  member: fc.integer({ min: 0, max: 2 }),
});

const batches = Array.from({ length: 8 }, (_, index) => createStreamId(1_700_000_000_000 + index, Buffer.alloc(8, index + 1)));

type Stream = { name: string; fn: string; sequences: number[]; ids: readonly string[] };

/** Writes the steps. A request of one id may be repeated, so the first append names the owner of the stream. Returns all ids. */
function write(log: WrittenLog, steps: readonly Step[]): string[] {
  const streams = new Map<string, Stream>();
  for (const one of steps) {
    const target = targetOf(one);
    const stream = streams.get(target.name) ?? target;
    if (one.kind === 'foreign') log.message('invocation.a.i-0', 'not JSON');
    else if (one.kind === 'append') append(log, stream, one);
    else {
      const { name, fn } = stream;
      stream.sequences.push(one.kind === 'batch' ? requestBatch(log, stream) : log.request(fn, name, words[one.choice % 3] ?? ''));
      streams.set(name, stream);
    }
  }
  return [...streams.values()].flatMap(({ ids }) => ids);
}

const words = ['"red"', '"green stock"', '"blue"'];

/** The stream of a step, before any request of it. */
function targetOf({ stream: index, kind, choice, fn }: Step): Stream {
  const isBatch = kind === 'append' ? choice % 2 === 0 : kind === 'batch';
  if (!isBatch) return { name: `i-${index}`, fn, sequences: [], ids: [`i-${index}`] };
  const batch = batches[index] as StreamId;
  return { name: batch, fn, sequences: [], ids: words.map((_, member) => idAt(batch, member)) };
}

function requestBatch(log: WrittenLog, { name, fn }: Stream): number {
  const batch = words.map((word) => ({ payload: word }));
  return log.request(fn, '', encodeRequests(name as StreamId, batch).payload, { headers: { Batch: name } });
}

function append(log: WrittenLog, { name, fn, sequences, ids }: Stream, { choice, member }: { choice: number; member: number }): void {
  const owner = sequences[choice % Math.max(1, sequences.length)];
  const facts = appends[choice]?.(ids[member % ids.length] ?? '', at(log.entries.length));
  if (owner !== undefined && facts !== undefined) log.append(fn, name, owner, facts);
}

const filter: fc.Arbitrary<HistoryFilter> = fc.record(
  {
    id: fc.constantFrom('i-0', 'i-1', 'i-2'),
    function: fc.constantFrom('a', 'b'),
    state: fc.uniqueArray(fc.constantFrom(...states), { minLength: 1, maxLength: 3 }),
    status: fc.uniqueArray(fc.constantFrom(...statuses), { minLength: 1, maxLength: 3 }),
    condition: fc.constant(['UnhandledInvocationError' as const]),
    since: fc.integer({ min: 0, max: 60_000 }),
    minAttempts: fc.integer({ min: 0, max: 2 }),
    maxAttempts: fc.integer({ min: 0, max: 2 }),
    minDurationInMs: fc.integer({ min: 0, max: 30_000 }),
    maxDurationInMs: fc.integer({ min: 0, max: 60_000 }),
    text: fc.constantFrom('red', 'stock', 'blue', 'sto*'),
  },
  { requiredKeys: [] },
);

async function pages(answers: Answers, query: HistoryFilter & { moment?: Moment }): Promise<unknown[]> {
  const found: unknown[] = [];
  for (let cursor: string | undefined | null; cursor !== null; ) {
    const page = await answers.list({ ...query, limit: 3, ...(cursor === undefined ? {} : { cursor }) });
    found.push(...page.invocations);
    cursor = page.cursor;
  }
  return found;
}

const attempt = async (ask: () => unknown): Promise<unknown> => {
  try {
    return await ask();
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

/** Every answer about a moment: the results of a filter, and each invocation alone. */
async function answersAt(answers: Answers, { wanted, ids, moment }: { wanted: HistoryFilter; ids: readonly string[]; moment?: Moment }) {
  const query = { ...wanted, ...(moment === undefined ? {} : { moment }) };
  const asOf = moment === undefined ? {} : { moment };
  return {
    all: await pages(answers, asOf),
    found: await pages(answers, query),
    count: await answers.count({ ...query, most: 1_000 }),
    stats: await answers.stats(query),
    series: await answers.stats({ ...query, bucketInMs: 10_000 }),
    each: await Promise.all(ids.map((id) => attempt(() => answers.get({ id, ...asOf })))),
    timelines: await Promise.all(ids.map((id) => attempt(() => answers.timeline({ id, ...asOf })))),
  };
}

describe('an earlier moment', () => {
  test('has the answers of a read model that ends at that moment', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 40, maxLength: 80 }),
        filter,
        fc.record({ share: fc.double({ min: 0, max: 1, noNaN: true }), isTime: fc.boolean() }),
        async (steps, wanted, { share, isTime }) => {
          const log = createWrittenLog();
          const ids = write(log, steps);
          const whole = open(log);
          await foldInto(whole.store, log);
          const last = log.entries[Math.floor(share * (log.entries.length - 1))] ?? { sequence: 1, at: 0 };
          const earlier = open(log);
          await new Replay({ source: log, store: earlier.store, created: 'once', until: last.sequence }).done;
          const moment = isTime ? { at: last.at } : { sequence: last.sequence };
          expect({ moment, wanted, answers: await answersAt(whole.answers, { wanted, ids, moment }) }).toEqual({
            moment,
            wanted,
            answers: await answersAt(earlier.answers, { wanted, ids }),
          });
          whole.store.close();
          earlier.store.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  test('may lie between two messages, before the first or after the last: earlier messages count', async () => {
    const log = createWrittenLog();
    for (let index = 0; index < 5_000; index++) log.request('f', `i-${index}`, '1', { at: index * 10 });
    const { store, answers } = open(log);
    await foldInto(store, log);
    for (const [moment, count] of [
      [-1, 0],
      [0, 1],
      [9, 1],
      [10_239, 1_024],
      [10_240, 1_025],
      [49_989, 4_999],
      [9_999_999, 5_000],
    ] as const) {
      expect([moment, await answers.count({ moment: { at: moment }, most: 10_000 })]).toEqual([moment, { count, isAtLeast: false }]);
    }
    store.close();
  });

  test('is refused when it is not read yet, or when too many invocations were open', async () => {
    const log = createWrittenLog();
    const ids = Array.from({ length: 501 }, (_, index) => `i-${index}`);
    const requests = ids.map((id) => log.request(id === 'i-7' ? 'g' : 'f', id, ''));
    const middle = log.entries.length;
    for (const [index, id] of ids.entries())
      log.append(id === 'i-7' ? 'g' : 'f', id, requests[index] ?? 0, [
        { type: 'running', invocation: id, at: at(middle), attempt: 1, worker: 'w', terms },
      ]);
    const { store } = open(log);
    const answers = createAnswers({ store } as Projection, log.decode, { maxChanged: 500 });
    await foldInto(store, log);
    expect(await attempt(() => answers.list({ limit: 1, moment: { sequence: 2 * middle + 1 } }))).toBe('INVALID_INPUT');
    expect(await attempt(() => answers.get({ id: 'i-7', moment: { sequence: 2 * middle + 1 } }))).toBe('INVALID_INPUT');
    expect(await attempt(() => answers.list({ limit: 1, moment: { sequence: middle } }))).toBe('INVALID_INPUT');
    expect(await answers.list({ limit: 1, function: 'g', moment: { sequence: middle } })).toMatchObject({
      invocations: [{ id: 'i-7', state: 'queued' }],
    });
    expect(await answers.list({ limit: 1, moment: { sequence: 2 * middle } })).toMatchObject({ invocations: [{ state: 'running' }] });
    store.close();
  });
});
