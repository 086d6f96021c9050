import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { foldInto, openModel } from '#test/support/projection/folded-model.ts';
import { createWrittenLog } from '#test/support/projection/written-log.ts';

const SECRET = 'qzxwjaneroe4711';
const terms = { revision: 1, timeoutInMs: 1, maxRetries: 9, maxAgeInMs: 1, backoff: { initialInMs: 1, factor: 1, maxInMs: 1, jitter: 0 } };

test('an erasure leaves nothing of a row in the file that an earlier write had made shorter', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-erased-file-'));
  const log = createWrittenLog();
  const store = openModel(log, join(folder, 'history.db'));
  const ids = Array.from({ length: 40 }, (_, index) => `i-${index}`);
  const failure = { kind: 'function', errorType: 'Oops', message: `${SECRET} ${'x'.repeat(150)}`, code: 1 } as const;
  const requests = ids.map((id) => log.request('f', id, '{}'));
  const write = (index: number, facts: Fact[]) => void log.append('f', ids[index] ?? '', requests[index] ?? 0, facts);
  ids.forEach((invocation, index) => {
    write(index, [
      { type: 'running', invocation, at: 1, attempt: 1, worker: 'w', terms },
      { type: 'retrying', invocation, at: 1, attempt: 1, dueAt: 1, failure },
    ]);
  });
  await foldInto(store, log);
  ids.forEach((invocation, index) => {
    write(index, [
      { type: 'running', invocation, at: 2, attempt: 2, worker: 'w' },
      { type: 'succeeded', invocation, at: 2, attempt: 2, payload: '1' },
      { type: 'notified', invocation, at: 2 },
    ]);
  });
  await foldInto(store, log);
  const { checkpoint } = store;
  if (checkpoint === undefined) throw new Error('nothing was folded');
  const found = { invocations: ids.length, messages: 120, until: checkpoint.sequence };
  store.erase({ v: 1, id: 'e', scope: 'everywhere', function: 'f', before: 1e15, by: 't', at: 3, ...found }, checkpoint);
  for (const file of await readdir(folder)) {
    const bytes = await readFile(join(folder, file));
    expect([file, bytes.includes(SECRET), bytes.includes(SECRET.slice(0, 8))]).toEqual([file, false, false]);
  }
  store.close();
  await rm(folder, { recursive: true });
});
