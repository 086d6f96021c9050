import { expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { stats } from '#src/projection/queries/stats.ts';
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
