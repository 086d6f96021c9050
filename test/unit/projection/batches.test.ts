import { describe, expect, test } from 'vitest';
import { openingIdOf } from '#src/core/names/delivery-ids.ts';
import { readBatches } from '#src/projection/queries/batches.ts';
import { list } from '#src/projection/queries/list.ts';
import type { Store } from '#src/projection/store/store.ts';
import { foldInto, openModel } from '#test/support/projection/folded-model.ts';
import { createWrittenLog, type WrittenLog } from '#test/support/projection/written-log.ts';

async function modelOf(write: (log: WrittenLog) => void): Promise<Store> {
  const log = createWrittenLog();
  write(log);
  const store = openModel(log);
  await foldInto(store, log);
  return store;
}

const member = (log: WrittenLog, fn: string, id: string, batch: string): number =>
  log.request(fn, id, '{}', { headers: { 'Member-Of': batch } });

describe('the batches of the read model', () => {
  test('count each member once, by its state, however often its request was repeated', async () => {
    const { database } = await modelOf((log) => {
      const first = member(log, 'a', 'import-1', 'import');
      member(log, 'a', 'import-2', 'import');
      for (let repetition = 0; repetition < 3; repetition++) member(log, 'a', 'import-1', 'import');
      const failure = { kind: 'function', errorType: 'Oops', message: 'no', code: 1 } as const;
      log.append('a', 'import-1', first, [
        { type: 'failed', invocation: 'import-1', at: 9_000, attempt: 0, condition: 'FunctionNotFound', failure },
      ]);
      log.request('a', 'alone', '{}');
    });
    expect(readBatches(database, { limit: 20 })).toEqual({
      batches: [
        {
          id: 'import',
          function: 'a',
          state: 'unopened',
          openedAs: null,
          openedAt: null,
          completedAt: null,
          members: 2,
          byStatus: { FAIL: 1, WAIT: 1 },
          byState: { failed: 1, queued: 1 },
          firstAt: 0,
          lastAt: 1_000,
        },
      ],
      cursor: null,
    });
  });

  test('keep the batches of functions and projects apart that share an id', async () => {
    const { database } = await modelOf((log) => {
      for (const [index, fn] of ['a', 'b', 'p2=a'].entries()) {
        for (let n = 0; n <= index; n++) member(log, fn, `import-${n}`, 'import');
        member(log, fn, 'other-1', 'other');
      }
    });
    const found = (query: object): [string, string, number][] =>
      readBatches(database, { limit: 20, ...query }).batches.map(({ id, function: fn, members }) => [id, fn, members]);
    expect(found({ id: 'import' })).toEqual([
      ['import', 'p2=a', 3],
      ['import', 'b', 2],
      ['import', 'a', 1],
    ]);
    expect(found({ function: 'b' })).toEqual([
      ['other', 'b', 1],
      ['import', 'b', 2],
    ]);
    expect(found({ project: 'p2' })).toEqual([
      ['other', 'p2=a', 1],
      ['import', 'p2=a', 3],
    ]);
    expect(found({ project: '', id: 'other' })).toEqual([
      ['other', 'b', 1],
      ['other', 'a', 1],
    ]);
  });

  test('have the state of the stream that opened them, which lists and counts of invocations leave out', async () => {
    const store = await modelOf((log) => {
      const opened = log.request('a', openingIdOf('a', 'import'), '{"batch":"import"}', { headers: { Batch: 'opens' }, at: 500 });
      member(log, 'a', 'import-1', 'import');
      log.append('a', openingIdOf('a', 'import'), opened, [
        { type: 'batch.sealed', invocation: openingIdOf('a', 'import'), at: 700, reason: 'ended' },
      ]);
      log.request('a', openingIdOf('a', 'empty'), '{"batch":"empty"}', { headers: { Batch: 'opens' }, at: 900 });
      // A client cannot open a batch (OWN1).
      log.message('invoke.a', '{"batch":"forged"}');
    });
    const { batches } = readBatches(store.database, { limit: 20 });
    expect(batches.map(({ id, state, members, openedAt }) => [id, state, members, openedAt])).toEqual([
      ['import', 'sealed', 1, 500],
      ['empty', 'open', 0, 900],
    ]);
    const listed = list([store], { limit: 20 }).invocations.map(({ id }) => id);
    expect(listed).toHaveLength(2);
    expect(listed).toContain('import-1');
    expect(list([store], { limit: 20, id: batches[0]?.openedAs ?? '' }).invocations).toMatchObject([{ state: 'running' }]);
  });

  test('are read page by page, the greatest id first', async () => {
    const ids = Array.from({ length: 11 }, (_, n) => `batch-${String(n).padStart(2, '0')}`);
    const { database } = await modelOf((log) => {
      for (const id of ids) for (const fn of ['a', 'b']) member(log, fn, `${id}-1`, id);
    });
    const found: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = readBatches(database, { function: 'a', limit: 3, cursor: cursor ?? undefined });
      found.push(...page.batches.map(({ id }) => id));
      cursor = page.cursor;
    }
    expect(found).toEqual(ids.toReversed());
  });

  test('leave out a request whose batch cannot be an id', async () => {
    const { database } = await modelOf((log) => {
      member(log, 'a', 'one', 'not an id');
      member(log, 'a', 'two', 'x'.repeat(65));
    });
    expect(readBatches(database, { limit: 20 })).toEqual({ batches: [], cursor: null });
  });
});
