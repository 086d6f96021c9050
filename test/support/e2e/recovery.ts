import { expect } from 'vitest';
import type { SequentClient } from '#src/client/client.ts';
import { shortTimes } from '#test/support/fixtures.ts';
import { findLifeProblems, foldWholeLog } from '#test/support/log/folded-log.ts';
import { watchLog } from '#test/support/log/log-watch.ts';
import { INVARIANT } from '#test/support/vitest/test-run.ts';

/* What the tests of a recovery share, those in `faults` and those that measure its time. */

export const file = new URL('functions.mjs', import.meta.url).pathname;
export const slowly = { name: 'slowly', handler: { kind: 'process', file, export: 'slowly' }, concurrency: 16 };

export const environment = (url: string) => ({ NATS_URL: url, ...shortTimes });
export const events = (count: number, ms: number) => Array.from({ length: count }, (_, i) => ({ i, ms }));
export const idsOf = (invoked: readonly { requestId: string }[]): string[] => invoked.map(({ requestId }) => requestId);

/** Expects that every invocation is notified, and that the machine accepts the facts of each in their order. */
export async function expectGoodLives(client: SequentClient, ids: readonly string[]): Promise<void> {
  await using log = await watchLog(client.connection.servers);
  const { facts, problems } = await foldWholeLog(log.ports.log);
  expect(problems, INVARIANT).toEqual([]);
  expect(
    ids.flatMap((id) => findLifeProblems(id, facts.get(id) ?? [])),
    INVARIANT,
  ).toEqual([]);
}
