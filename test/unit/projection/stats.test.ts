import { expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { stats } from '#src/projection/stats/stats.ts';
import { roundLength } from '#src/projection/stats/tallies.ts';
import { foldInto, openModel } from '#test/support/projection/folded-model.ts';
import { createWrittenLog, type WrittenLog } from '#test/support/projection/written-log.ts';

const terms = { revision: 1, timeoutInMs: 1, maxRetries: 2, maxAgeInMs: 9, backoff: { initialInMs: 1, factor: 1, maxInMs: 1, jitter: 0 } };
const failure = { kind: 'function', errorType: 'Oops', message: 'no', code: 1 } as const;

/** An invocation of `!prod` that runs a version, with a retry if it fails first. */
function write(log: WrittenLog, id: string, version: string | undefined, end: 'succeeded' | 'retried' | 'failed'): void {
  const sequence = log.request('orders', id, '1', { headers: { Qualifier: '!prod' }, at: 1_000 });
  const about = { invocation: id, at: 1_100 };
  const facts: Fact[] = [{ type: 'running', ...about, attempt: 1, worker: 'w', terms: { ...terms, ...(version && { version }) } }];
  if (end === 'retried') {
    facts.push({ type: 'retrying', ...about, attempt: 1, dueAt: 1_100, failure }, { type: 'running', ...about, attempt: 2, worker: 'w' });
  }
  const attempt = end === 'retried' ? 2 : 1;
  if (end === 'failed') facts.push({ type: 'failed', ...about, attempt, condition: 'UnhandledInvocationError', failure });
  else facts.push({ type: 'succeeded', ...about, attempt, payload: '1' });
  for (const fact of facts) log.append('orders', id, sequence, [fact]);
}

test('the statistics by version count outcomes, retries and durations of each version behind an alias', async () => {
  const log = createWrittenLog();
  write(log, 'a', 'v1', 'succeeded');
  write(log, 'b', 'v1', 'retried');
  write(log, 'c', 'v2', 'failed');
  write(log, 'd', undefined, 'succeeded');
  log.request('orders', 'e', '1', { headers: { Qualifier: '!prod' }, at: 1_000 });
  const store = openModel(log);
  await foldInto(store, log);
  const rows = stats([store], { qualifier: '!prod', by: 'version' });
  expect(rows.map(({ version, accepted, retries, retried, byCondition }) => [version, accepted, retries, retried, byCondition])).toEqual([
    [null, 1, 0, 0, {}],
    ['latest', 1, 0, 0, {}],
    ['v1', 2, 1, 1, {}],
    ['v2', 1, 0, 0, { UnhandledInvocationError: 1 }],
  ]);
  expect(rows[2]?.durationInMs).toMatchObject({ p50: 100 });
  const [total, ...others] = stats([store], {});
  expect([total?.accepted, total && 'version' in total, others]).toEqual([5, false, []]);
  store.close();
});

const HOUR = 3_600_000;

/** Invocations of two functions and a project over four hours, some of them changed after they were stored. */
async function storedHours() {
  const log = createWrittenLog();
  const store = openModel(log);
  const requests = Array.from({ length: 60 }, (_, i) => {
    const name = ['orders', 'mails', 'team=orders'][i % 3] as string;
    return { id: `i${i}`, name, sequence: log.request(name, `i${i}`, '1', { at: i * 4 * 60_000 }), at: i * 4 * 60_000 };
  });
  await foldInto(store, log);
  const append = ({ id, name, sequence }: (typeof requests)[number], fact: object) =>
    log.append(name, id, sequence, [{ invocation: id, ...fact } as Fact]);
  for (const [i, one] of requests.entries()) {
    if (i % 7 === 0) continue;
    append(one, { type: 'running', at: one.at + i, attempt: 1, worker: 'w', terms: { ...terms, ...(i % 2 && { version: 'v1' }) } });
    if (i === 30) await foldInto(store, log);
    if (i % 5 === 0) append(one, { type: 'retrying', at: one.at + 2 * i, attempt: 1, dueAt: one.at + 2 * i, failure });
    else append(one, { type: 'succeeded', at: one.at + 2 * i, attempt: 1, payload: '1' });
  }
  await foldInto(store, log);
  return store;
}

test.each([
  ['all hours', {}],
  ['each hour and version', { bucketInMs: HOUR, by: 'version' }],
  ['a function from the middle of an hour on', { function: 'mails', since: HOUR / 2 }],
  ['a span that begins and ends within hours', { since: HOUR / 3, until: 3.4 * HOUR, bucketInMs: 2 * HOUR }],
  ['a span within one hour', { since: 1.1 * HOUR, until: 1.9 * HOUR }],
  ['a project', { project: 'team' }],
  ['the own project', { project: '' }],
  ['shorter buckets', { bucketInMs: 60_000 }],
] as const)('the kept statistics of %s are those of the rows', async (_, question) => {
  const store = await storedHours();
  const counted = stats([{ ...store, condition: { sql: '1', values: [] } }], question);
  expect(counted.length).toBeGreaterThan(0);
  expect(stats([store], question)).toEqual(counted);
  store.close();
});

test('the statistics of whole hours read no row of an invocation', async () => {
  const store = await storedHours();
  const asked: string[] = [];
  const prepare = (sql: string) => {
    asked.push(sql);
    return store.database.prepare(sql);
  };
  const database = { ...store.database, prepare };
  expect(stats([{ database }], { since: HOUR, until: 3 * HOUR, project: '', bucketInMs: HOUR })).toHaveLength(4);
  expect(asked.length).toBeGreaterThan(0);
  expect(asked.filter((sql) => sql.includes('invocations'))).toEqual([]);
  store.close();
});

test.each([0, 1, 127, 128, 129, 1_000, 65_537, 86_400_123])('a kept length of %d ms is at most 0.8 % away', (inMs) => {
  expect(Math.abs(roundLength(inMs) - inMs)).toBeLessThanOrEqual(inMs < 128 ? 0 : inMs * 0.008);
});
