import { expect, test } from 'vitest';
import { systemClock } from '#src/core/ports/clock.ts';
import { type DeliveringSystem, receiverConnection, startDeliveringSystem, toHttp } from '#test/support/destinations/delivering-system.ts';
import { answer, openReceiver, type Receiver } from '#test/support/destinations/receiver.ts';
import type { LogWatch } from '#test/support/log/log-watch.ts';
import { slownessOfMachine } from '#test/support/vitest/slowness.ts';

const file = new URL('../support/destinations/functions.mjs', import.meta.url).pathname;
const ROUNDS = 20;
const PER_ROUND = 100;
const PER_SECOND = 100;
/**
 * The tolerated difference between equal rounds, on a machine that is not slow. A p99 is a few milliseconds on an idle machine, and 60 on a slow one. A dead target that
 * holds the slots of the others delays them by its timeout of seconds.
 */
const FLOOR_IN_MS = 100;

/** The times from the outcome to the delivery, by the clocks of the processes that appended both. */
function latenciesOf({ facts }: LogWatch, ids: readonly string[]): number[] {
  return ids.map((id) => {
    const life = facts.get(id) ?? [];
    const at = (type: string): number => life.find((fact) => fact.type === type)?.at ?? Number.NaN;
    return at('delivery.delivered') - at('succeeded');
  });
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? Number.NaN;
}
const median = (values: readonly number[]): number => quantile(values, 0.5);

/** A system that delivers `fine` to the healthy target, and `doomed` to the dead target, if there is one. */
async function start(healthy: Receiver, dead?: Receiver): Promise<DeliveringSystem> {
  const connections = {
    healthy: receiverConnection(healthy),
    ...(dead === undefined ? {} : { dead: receiverConnection(dead, { timeoutInMs: 10_000 }) }),
  };
  const sequent = await startDeliveringSystem(connections, { SEQUENT_LEASE_MS: '15000' }, 'worker,scheduler,destinations');
  const put = (name: string, url: string, connection: string) =>
    sequent.client.functions.put({
      name,
      handler: { kind: 'process', file, export: 'obey' },
      policy: { onSuccess: [toHttp(url, connection)] },
    });
  await put('fine', healthy.url, 'healthy');
  if (dead !== undefined) await put('doomed', dead.url, 'dead');
  return sequent;
}

test('a dead target with a backlog does not slow down the deliveries to a healthy target', { timeout: 120_000 }, async () => {
  await using healthy = await openReceiver(answer(200));
  await using dead = await openReceiver(() => {});
  // Both systems run at the same time, in turns, so other load of the machine affects both.
  await using baseline = await start(healthy);
  await using shared = await start(healthy, dead);
  // Each request has its own id and therefore its own stream. More streams than may wait for one limit key.
  const backlog = Array.from({ length: 1_500 }, (_, i) => `doomed-${i}`);
  await Promise.all(backlog.map((id) => shared.client.invoke('doomed', {}, { id })));
  for (const id of backlog) await shared.log.until((fact) => fact.type === 'succeeded' && fact.invocation === id);
  await shared.log.until((fact) => fact.type === 'delivery.started');

  async function steadily(count: number): Promise<number[][]> {
    const sent: Promise<{ requestId: string }>[][] = [[], []];
    const startedAt = performance.now();
    for (let i = 0; i < count; i++) {
      for (const [index, { client }] of [baseline, shared].entries()) {
        const waitInMs = startedAt + ((2 * i + index) * 500) / PER_SECOND - performance.now();
        if (waitInMs > 0) await systemClock.sleep(waitInMs);
        sent[index]?.push(client.invoke('fine', {}));
      }
      // The backlog of the dead target grows meanwhile.
      if (i % 10 === 0) void shared.client.invoke('doomed', {});
    }
    return await Promise.all(
      [baseline, shared].map(async ({ log }, index) => {
        const ids = (await Promise.all(sent[index] ?? [])).map(({ requestId }) => requestId);
        await log.untilNotified(ids);
        return latenciesOf(log, ids);
      }),
    );
  }
  // The first deliveries warm up the compiler, and let the scheduler inspect the whole backlog twice.
  await steadily(400);
  // A garbage collection or another process disturbs some rounds. The median of many short rounds is robust.
  const rounds: number[][][] = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push(await steadily(PER_ROUND));
  const open = backlog.filter((id) => !shared.log.facts.get(id)?.some(({ type }) => type === 'notified')).length;
  const [baselineP99s = [], sharedP99s = []] = [0, 1].map((index) => rounds.map((round) => quantile(round[index] ?? [], 0.99)));
  const [p50, p50Shared] = [0, 1].map((index) => median(rounds.map((round) => quantile(round[index] ?? [], 0.5))));
  const [p99, p99Shared] = [median(baselineP99s), median(sharedP99s)];
  // On a busy machine equal rounds differ by more than half, so the slow rounds of the baseline also bound the limit.
  const spread = quantile(baselineP99s, 0.9);
  process.stdout.write(
    `isolation: ${ROUNDS} rounds of ${PER_ROUND} deliveries at ${PER_SECOND}/s, p50 ${p50} ms alone and ${p50Shared} ms with a dead target with ${open} waiting, ` +
      `median p99 ${p99} ms (${baselineP99s.join(' ')}) and ${p99Shared} ms (${sharedP99s.join(' ')}); ${dead.received.length} requests hung\n`,
  );
  expect(open).toBe(backlog.length);
  expect(p99Shared).toBeLessThanOrEqual(Math.max(1.5 * p99, p99 + FLOOR_IN_MS * slownessOfMachine(), spread));
});
