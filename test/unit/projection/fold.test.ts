import { describe, expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { AmbiguousIdError, InvocationNotFoundError } from '#src/core/errors.ts';
import { encodeRequests } from '#src/core/log/requests/request-messages.ts';
import { createStreamId } from '#src/core/names/ids.ts';
import { Fold } from '#src/projection/fold/fold.ts';
import { rareColumns } from '#src/projection/fold/projected-invocation.ts';
import type { Projection } from '#src/projection/projection-port.ts';
import { createAnswers } from '#src/projection/queries/answers.ts';
import { hashRows } from '#src/projection/repair/rows-hash.ts';
import type { Store } from '#src/projection/store/store.ts';
import { firstChildOf } from '#test/support/log/child-id.ts';
import { foldedHash, foldInto, openModel } from '#test/support/projection/folded-model.ts';
import { createWrittenLog, type WrittenLog } from '#test/support/projection/written-log.ts';

const terms = { revision: 1, timeoutInMs: 1, maxRetries: 9, maxAgeInMs: 1, backoff: { initialInMs: 1, factor: 1, maxInMs: 1, jitter: 0 } };
const running = (invocation: string): Fact => ({ type: 'running', invocation, at: 1, attempt: 1, worker: 'w', terms });
const succeeded = (invocation: string): Fact => ({ type: 'succeeded', invocation, at: 2, attempt: 1, payload: '1' });
const notified = (invocation: string): Fact => ({ type: 'notified', invocation, at: 2 });

async function foldAll(log: WrittenLog): Promise<{ store: Store; answers: ReturnType<typeof createAnswers> }> {
  const store = openModel(log);
  await foldInto(store, log);
  return { store, answers: createAnswers({ store } as Projection, log.decode) };
}

test('the history answers the response payload of the envelope, also of an event that became too old', async () => {
  const log = createWrittenLog();
  const failure = { kind: 'platform', errorType: 'EventAgeExceeded', message: 'too old', code: 161_900 } as const;
  log.append('f', 'old', log.request('f', 'old', '{}'), [
    { type: 'failed', invocation: 'old', at: 2, attempt: 0, condition: 'EventAgeExceeded', failure },
    notified('old'),
  ]);
  const { store, answers } = await foldAll(log);
  const { response } = await answers.get({ id: 'old' });
  expect(response).toBe('{"errorMessage":"too old","errorType":"EventAgeExceeded","stackTrace":[]}');
  store.close();
});

describe('an id that several functions have (ID1)', () => {
  test('is refused with the functions that the asker may see, and found by its function or project', async () => {
    const log = createWrittenLog();
    for (const fn of ['f', 'g', 'b=f']) log.append(fn, 'one', log.request(fn, 'one', JSON.stringify(fn)), [running('one')]);
    const { store, answers } = await foldAll(log);
    for (const moment of [undefined, { sequence: 6 }]) {
      for (const ask of [answers.get, answers.timeline]) {
        expect(() => ask({ id: 'one', moment })).toThrow(new AmbiguousIdError({ id: 'one', functions: ['b=f', 'f', 'g'] }));
        expect(() => ask({ id: 'one', project: '', moment })).toThrow(new AmbiguousIdError({ id: 'one', functions: ['f', 'g'] }));
        expect(() => ask({ id: 'one', project: 'c', moment })).toThrow(new InvocationNotFoundError({ id: 'one' }));
      }
      expect(await answers.get({ id: 'one', project: 'b', moment })).toMatchObject({ function: 'b=f', payload: '"b=f"' });
      expect(await answers.get({ id: 'one', function: 'g', moment })).toMatchObject({ function: 'g', payload: '"g"' });
    }
    // Before the second function had the id, it was unambiguous.
    expect(await answers.get({ id: 'one', moment: { sequence: 2 } })).toMatchObject({ function: 'f' });
    expect(() => answers.tree({ id: 'one' })).toThrow(AmbiguousIdError);
    const { nodes } = await answers.tree({ id: 'one', function: 'f' });
    expect(nodes.map((node) => node.function)).toEqual(['f']);
    store.close();
  });
});

describe('the trees of two functions that have an invocation with one id (ID1)', () => {
  test('each have their own child and redrive only, by the ids that derive from the delivery (DLV1)', async () => {
    const log = createWrittenLog();
    const destinations = [{ id: 'functiongraph-0', destination: 'FunctionGraph', param: '{"func_urn":"child"}' }];
    for (const fn of ['f', 'g']) {
      const outcome = { ...succeeded('one'), destinations } as Fact;
      log.append(fn, 'one', log.request(fn, 'one', '{}'), [running('one'), outcome]);
      log.request('child', firstChildOf(fn, 'one'), '{}', { headers: { Lineage: 'one/one/1/9' } });
      log.request(fn, 'again', '{}', { headers: { 'Redrive-Of': 'one' } });
    }
    const { store, answers } = await foldAll(log);
    for (const fn of ['f', 'g']) {
      const expected = [`${fn}/one`, `child/${firstChildOf(fn, 'one')}`, `${fn}/again`].sort();
      for (const start of [{ id: 'one', function: fn }, { id: firstChildOf(fn, 'one') }, { id: 'again', function: fn }]) {
        const { nodes } = await answers.tree(start);
        expect(nodes.map((node) => `${node.function}/${node.id}`).sort()).toEqual(expected);
      }
    }
    store.close();
  });
});

describe('a message that cannot be folded', () => {
  test('is stored and reported: an unreadable append, a refused fact, a fact without a request, a gap', async () => {
    const log = createWrittenLog();
    const request = log.request('f', 'one', '{}');
    const garbage = log.message('invocation.f.one', 'not JSON');
    const newer = log.message('invocation.f.one', JSON.stringify({ v: 99, facts: [{ type: 'teleported' }] }));
    const refused = log.append('f', 'one', request, [succeeded('one'), running('one'), running('unknown')]);
    const orphan = log.append('f', 'unknown', 1, [running('unknown')]);
    log.skip(3);
    const later = log.append('f', 'one', request, [succeeded('one'), notified('one')]);
    const { store, answers } = await foldAll(log);
    const { problems } = await answers.problems({ after: 0, limit: 100 });
    expect(problems.map(({ sequence, kind, invocation }) => [sequence, kind, invocation])).toEqual([
      [garbage, 'unreadable', null],
      [newer, 'unreadable', null],
      [refused, 'refused', 'one'],
      [refused, 'refused', 'unknown'],
      [orphan, 'unknown', null],
      [later, 'gap', null],
    ]);
    const { transitions } = await answers.timeline({ id: 'one' });
    expect(transitions.map(({ fact, refused: isRefused }) => [fact.type, isRefused])).toEqual([
      ['queued', false],
      ['succeeded', true],
      ['running', false],
      ['succeeded', false],
      ['notified', false],
    ]);
    expect(store.database.prepare('SELECT body FROM appends WHERE sequence = ?').get([garbage])).toEqual(['not JSON']);
    store.close();
  });

  test('a payload that is not text is stored unchanged', async () => {
    const log = createWrittenLog();
    log.request('f', 'one', '{}');
    const bytes = new Uint8Array([0xff, 0xfe, 0]);
    Object.assign(log.entries[0] ?? {}, { body: bytes });
    const { store, answers } = await foldAll(log);
    expect((await answers.get({ id: 'one' })).state).toBe('queued');
    expect(Buffer.from(store.database.prepare('SELECT body FROM appends').get()?.[0] as Uint8Array)).toEqual(Buffer.from(bytes));
    store.close();
  });
});

describe('several requests of one id', () => {
  test('the stream belongs to the request that its first append names', async () => {
    const log = createWrittenLog();
    log.request('f', 'one', '{"first":1}');
    const second = log.request('f', 'one', '{"second":2}');
    log.append('f', 'one', second, [running('one')]);
    const { store, answers } = await foldAll(log);
    expect(await answers.list({ limit: 10 })).toMatchObject({ invocations: [{ id: 'one', state: 'running' }], cursor: null });
    expect((await answers.get({ id: 'one' })).payload).toBe('{"second":2}');
    store.close();
  });

  test('are separate invocations when they name different functions', async () => {
    const log = createWrittenLog();
    log.request('f', 'one', '{}');
    const other = log.request('g', 'one', '{}');
    log.append('g', 'one', other, [running('one')]);
    const { store, answers } = await foldAll(log);
    expect((await answers.get({ id: 'one', function: 'f' })).state).toBe('queued');
    expect((await answers.get({ id: 'one', function: 'g' })).state).toBe('running');
    store.close();
  });
});

describe('the stored content', () => {
  test('does not depend on the ends of batches, on restarts, or on the streams in memory', async () => {
    const log = createWrittenLog();
    const ids = Array.from({ length: 40 }, (_, index) => `i-${index}`);
    const requests = new Map(ids.map((id) => [id, log.request('f', id, `{"id":"${id}"}`)]));
    const duplicate = log.request('f', 'i-3', '{"again":true}');
    for (const id of ids) log.append('f', id, id === 'i-3' ? duplicate : (requests.get(id) ?? 0), [running(id)]);
    log.message('invocation.f.i-7', 'garbage');
    for (const id of ids) log.append('f', id, requests.get(id) ?? 0, [succeeded(id), succeeded(id), notified(id)]);
    const whole = await foldedHash(log);

    const store = foldOneByOne(log, { limit: 0, restartEvery: 7 });
    expect(await hashRows(store.database)).toEqual(whole);
    store.close();
  });

  test('does not depend on the invocations in memory, and no more than their limit stay there (FOLD3)', async () => {
    const log = createWrittenLog();
    const batches = Array.from({ length: 6 }, (_, index) => {
      const stream = createStreamId(index, new Uint8Array(8).fill(index));
      const requests = Array.from({ length: 4 }, (_, n) => ({ payload: `{"n":${n}}` }));
      const { payload, headers } = encodeRequests(stream, requests);
      const sequence = log.request('f', stream, payload, { headers: Object.fromEntries(headers) });
      const ids = log.decodedRequest(sequence)?.requests.map(({ fact }) => fact.invocation) ?? [];
      return { stream, sequence, ids };
    });
    for (const { stream, sequence, ids } of batches) log.append('f', stream, sequence, ids.map(running));
    const half = log.entries.length;
    for (const { stream, sequence, ids } of batches)
      log.append(
        'f',
        stream,
        sequence,
        ids.flatMap((id) => [succeeded(id), notified(id)]),
      );
    const whole = await foldedHash(log);

    const inMemory: number[] = [];
    const store = foldOneByOne(log, { maxInvocations: 10, onReleased: ({ open }) => inMemory.push(open) });
    expect(inMemory).toHaveLength(log.entries.length);
    // Two batches of four invocations.
    expect(Math.max(...inMemory)).toBe(2);
    expect([inMemory[half - 1], inMemory.at(-1)]).toEqual([2, 0]);
    expect(await hashRows(store.database)).toEqual(whole);
    store.close();
  });

  test.for([
    { maxInvocations: 10, open: 0 },
    { maxInvocations: 1_000, open: 1 },
  ])('does not depend on whether $maxInvocations repeated requests of an id stay in memory (FOLD3)', async ({ maxInvocations, open }) => {
    const log = createWrittenLog();
    const requests = Array.from({ length: 30 }, (_, n) => log.request('f', 'one', `{"n":${n}}`));
    const repeated = log.entries.length;
    // The first append names the owner.
    log.append('f', 'one', requests[17] ?? 0, [running('one')]);
    log.append('f', 'one', requests[17] ?? 0, [succeeded('one'), notified('one')]);
    const { store: whole, answers } = await foldAll(log);
    expect(await answers.get({ id: 'one' })).toMatchObject({ payload: '{"n":17}', state: 'notified' });

    const inMemory: number[] = [];
    const store = foldOneByOne(log, { maxInvocations, onReleased: (fold) => inMemory.push(fold.open) });
    expect(inMemory[repeated - 1]).toBe(open);
    expect(await hashRows(store.database)).toEqual(await hashRows(whole.database));
    store.close();
    whole.close();
  });

  test('does not depend on rows that were stored before, with a delay, a retry, an error or an origin', async () => {
    const log = createWrittenLog();
    const failure = { kind: 'function', errorType: 'Oops', message: 'red stock', code: 1 } as const;
    const headers: Record<string, string>[] = [
      {},
      { Lineage: 'root/parent/1/9' },
      { 'Redrive-Of': 'i-0' },
      { 'Deliver-At': '+1m' },
      { Priority: '2' },
      { 'Member-Of': 'night' },
      { Lineage: 'root/parent/1/9', Schedule: 'nightly/1000' },
    ];
    const lives: Record<string, (invocation: string) => Fact[]> = {
      succeeds: (invocation) => [running(invocation), succeeded(invocation)],
      fails: (invocation) => [
        running(invocation),
        { type: 'failed', invocation, at: 2, attempt: 1, condition: 'UnhandledInvocationError', failure },
      ],
      retries: (invocation) => [
        { ...running(invocation), terms: { ...terms, maxAgeInMs: 3_600_000 } } as Fact,
        { type: 'retrying', invocation, at: 2, attempt: 1, dueAt: 200_005, failure },
        { type: 'running', invocation, at: 5, attempt: 2, worker: 'w' },
        { type: 'succeeded', invocation, at: 6, attempt: 2, payload: '1' },
      ],
    };
    for (const [index, header] of headers.entries()) {
      for (const [life, factsOf] of Object.entries(lives)) {
        const id = `${life}-${index}`;
        const request = log.request('f', id, '{}', { headers: header });
        for (const fact of [...factsOf(id), notified(id)]) log.append('f', id, request, [{ ...fact, at: 200_000 + fact.at }]);
      }
    }
    const whole = await foldedHash(log);

    const store = foldOneByOne(log);
    expect(await hashRows(store.database)).toEqual(whole);
    const filled = store.database.prepare(`SELECT ${rareColumns.map((column) => `count(${column})`).join(', ')} FROM invocations`).get();
    const never = rareColumns.filter((_, index) => Number(filled?.[index]) === 0);
    // A due time ends with the attempt.
    expect(never).toEqual(['due_at', 'waits_pool', 'waits_key', 'waits_since', 'waits_kind', 'opened_batch']);
    store.close();
  });
});

type OneByOne = { limit?: number; maxInvocations?: number; restartEvery?: number; onReleased?: (fold: Fold) => void };

/**
 * Each message is a batch of its own. `limit` and `maxInvocations`: what stays in memory. Every `restartEvery` messages, a new fold starts.
 * `onReleased` is called after each message.
 */
function foldOneByOne(log: WrittenLog, { restartEvery = Number.POSITIVE_INFINITY, onReleased, ...limits }: OneByOne = {}): Store {
  const store = openModel(log);
  const start = (): Fold => new Fold({ load: store.load, limit: 100, ...limits });
  let fold = start();
  for (const entry of log.entries) {
    fold.take({ ...entry, content: log.decode(entry) });
    store.save(fold.drain(), { sequence: entry.sequence, fingerprint: '', created: '', missing: 0, at: 0 });
    fold.release();
    onReleased?.(fold);
    if (entry.sequence % restartEvery === 0) fold = start();
  }
  return store;
}
