import { expect, test } from 'vitest';
import { createClientHistory } from '#src/client/history/history.ts';
import { type FoundBatch, readMembers } from '#src/client/invoke/batches.ts';
import { createLaggingHistory, summaries } from '#test/support/projection/lagging-history.ts';

const history = createClientHistory(createLaggingHistory({ last: 200, known: { invocations: summaries(120) } }));

test('the results of a batch have every member that its counts have', async () => {
  const ids: string[] = [];
  const found = { id: 'import', function: 'test1', sequence: 200 } as FoundBatch;
  for await (const members of readMembers(history, found)) ids.push(...members.map(({ id }) => id));
  expect(ids).toEqual(summaries(120).map(({ id }) => id));
});

test('all pages of a list cover the log up to the sequence that the caller names', async () => {
  const ids: string[] = [];
  for await (const { id } of history.all({ limit: 50 }, { atLeast: 200 })) ids.push(id);
  expect(ids).toHaveLength(120);
});
