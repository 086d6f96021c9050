import { expect, test } from 'vitest';
import { systemClock } from '#src/core/ports/clock.ts';
import { receiverConnection, startTelling, type TellingSequent, telling } from '#test/support/destinations/delivering-system.ts';
import { answer, openReceiver, type Receiver } from '#test/support/destinations/receiver.ts';
import type { LogWatch } from '#test/support/log/log-watch.ts';

const file = new URL('../../support/destinations/functions.mjs', import.meta.url).pathname;
const ROUNDS = 20;
const PER_ROUND = 100;
const PER_SECOND = 100;
/** What equal rounds may differ by: their p99 is a few milliseconds, and the times of the log are whole ones. */
const FLOOR_IN_MS = 3;

/** From the outcome to the delivery, by the clocks of those who recorded them. */
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

/** A Sequent that tells the healthy target about `fine`, and, if there is one, the dead target about `doomed`. */
async function start(healthy: Receiver, dead?: Receiver): Promise<TellingSequent> {
  const connections = {
    healthy: receiverConnection(healthy),
    ...(dead === undefined ? {} : { dead: receiverConnection(dead, { timeoutInMs: 10_000 }) }),
  };
  const sequent = await startTelling(connections, { SEQUENT_LEASE_MS: '15000' }, 'worker,scheduler,destinations');
  const put = (name: string, url: string, connection: string) =>
    sequent.client.functions.put({
      name,
      handler: { kind: 'process', file, export: 'obey' },
      policy: { onSuccess: [telling(url, connection)] },
    });
  await put('fine', healthy.url, 'healthy');
  if (dead !== undefined) await put('doomed', dead.url, 'dead');
  return sequent;
}

test('a healthy target is told as fast beside a dead one with a backlog as alone', { timeout: 120_000 }, async () => {
  await using healthy = await openReceiver(answer(200));
  await using dead = await openReceiver(() => {});
  // Both at the same time, in turn, so that the machine's other business meets both.
  await using lone = await start(healthy);
  await using shared = await start(healthy, dead);
  // Each with an id, and so a stream, of its own: more than may wait at the place.
  const backlog = Array.from({ length: 1_500 }, (_, i) => `doomed-${i}`);
  await Promise.all(backlog.map((id) => shared.client.invoke('doomed', {}, { id })));
  for (const id of backlog) await shared.log.until((fact) => fact.type === 'succeeded' && fact.invocation === id);
  await shared.log.until((fact) => fact.type === 'delivery.started');

  async function steadily(count: number): Promise<number[][]> {
    const sent: Promise<{ requestId: string }>[][] = [[], []];
    const startedAt = performance.now();
    for (let i = 0; i < count; i++) {
      for (const [place, { client }] of [lone, shared].entries()) {
        const waitInMs = startedAt + ((2 * i + place) * 500) / PER_SECOND - performance.now();
        if (waitInMs > 0) await systemClock.sleep(waitInMs);
        sent[place]?.push(client.invoke('fine', {}));
      }
      // The dead one's backlog grows meanwhile.
      if (i % 10 === 0) void shared.client.invoke('doomed', {});
    }
    return await Promise.all(
      [lone, shared].map(async ({ log }, place) => {
        const ids = (await Promise.all(sent[place] ?? [])).map(({ requestId }) => requestId);
        await log.untilNotified(ids);
        return latenciesOf(log, ids);
      }),
    );
  }
  // The first ones are for the compiler, and for the scheduler, which looks at all of the backlog twice.
  await steadily(400);
  // A collection or another process spoils a round and not most of them: the median of many short ones tells.
  const rounds: number[][][] = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push(await steadily(PER_ROUND));
  const open = backlog.filter((id) => !shared.log.facts.get(id)?.some(({ type }) => type === 'notified')).length;
  const [alone = [], beside = []] = [0, 1].map((place) => rounds.map((round) => quantile(round[place] ?? [], 0.99)));
  const [p50, p50Beside] = [0, 1].map((place) => median(rounds.map((round) => quantile(round[place] ?? [], 0.5))));
  const [p99, p99Beside] = [median(alone), median(beside)];
  // On a busy machine equal rounds differ by more than half: what some of the lone ones took is no sign of the dead target.
  const spread = quantile(alone, 0.9);
  process.stdout.write(
    `isolation: ${ROUNDS} rounds of ${PER_ROUND} deliveries at ${PER_SECOND}/s, p50 ${p50} ms alone and ${p50Beside} ms beside a dead target with ${open} waiting, ` +
      `median p99 ${p99} ms (${alone.join(' ')}) and ${p99Beside} ms (${beside.join(' ')}); ${dead.received.length} requests hung\n`,
  );
  expect(open).toBe(backlog.length);
  expect(p99Beside).toBeLessThanOrEqual(Math.max(1.5 * p99, p99 + FLOOR_IN_MS, spread));
});
