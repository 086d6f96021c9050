import { expect, test } from 'vitest';
import type { FunctionEntry } from '#src/core/functions/entry.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import { OpenStreams } from '#src/scheduler/open/open-streams.ts';
import { ChangedDefinitions } from '#src/scheduler/slots/changed-definitions.ts';

const orders = 'orders' as FunctionName;

/** A function whose requests wait for the keys of pools, all of which had their turn, and whose definition changes afterwards. */
function changeAfterTurns(waits: readonly string[]) {
  const streams = new OpenStreams({ patienceInMs: 100, unknownGraceInMs: 10, maxAgeOf: () => 1e12 });
  for (const [index, waitsFor] of waits.entries()) {
    const name = { function: orders, stream: `stream-${index}` as StreamId };
    streams.fold({ kind: 'request', sequence: 2 * index + 1, at: 1, name, size: 10 });
    streams.fold({ kind: 'append', sequence: 2 * index + 2, at: 1, name, wakeTimes: { inProgressSince: 1, waitsFor } });
  }
  const pools = [...streams.waiting.pools.values()];
  let entry = {} as FunctionEntry;
  const changes = new ChangedDefinitions({ get: () => entry });
  changes.note(orders, entry);
  for (const pool of pools) while (pool.takeReady() !== undefined);
  changes.find(pools);
  expect(changes.isMarking).toBe(false);
  entry = {} as FunctionEntry;
  changes.find(pools);
  return { pools, changes };
}

test('a changed definition makes the keys of its function ready in every pool', () => {
  const { pools, changes } = changeAfterTurns(['0/1/shared.a/x', '0/1/shared.b/x']);
  changes.markSome();
  expect(pools.map(({ readyCount }) => readyCount)).toEqual([1, 1]);
});

test('a changed definition of very many keys makes at most 4,096 of them ready in one step', () => {
  const count = 10_000;
  const { pools, changes } = changeAfterTurns(Array.from({ length: count }, (_, key) => `0/1/shared.a/${key}`));
  const ready: number[] = [];
  for (let steps = 0; changes.isMarking && steps < 10; steps++) {
    changes.markSome();
    ready.push(pools[0]?.readyCount ?? 0);
  }
  expect(ready).toEqual([4_096, 8_192, count]);
});
