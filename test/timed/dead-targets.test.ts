import { headers } from 'nats';
import { expect, test } from 'vitest';
import { systemClock } from '#src/core/ports/clock.ts';
import { startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { type DeliveringSystem, receiverConnection, startDeliveringSystem, toHttp } from '#test/support/destinations/delivering-system.ts';
import { answer, openReceiver, type Receiver } from '#test/support/destinations/receiver.ts';
import { medianOf, medianOfBlocks } from '#test/support/vitest/slowness.ts';

/** `SEQUENT_DEAD_TARGETS=full` runs the scale of the promise: 2,000 deliveries for each dead target (`npm run dead-targets`). */
const isFull = process.env.SEQUENT_DEAD_TARGETS === 'full';
const DEAD_TARGETS = 20;
const HANGING_TARGETS = 16;
const DELIVERIES_PER_DEAD_TARGET = isFull ? 2_000 : 150;
const ROUNDS = isFull ? 13 : 5;
const PER_ROUND = 100;
const PER_SECOND = 50;
/**
 * The promise is 2 × alone + 20 ms. Without bulkheads the 99th percentile is seconds, and the few samples of the small scale also contain the
 * pauses of a slow machine.
 */
const BOUND = isFull ? { factor: 2, ms: 20 } : { factor: 3, ms: 200 };
/**
 * While the backlog arrives, both systems share the machine with its writing, and one round has few samples: blocks of a fifth of a round are
 * judged by their median in the small scale.
 */
const ARRIVING = isFull ? { factor: 10, ms: 20 } : { factor: 10, ms: 1_000 };

type System = AsyncDisposable & { delivering: DeliveringSystem; invoke(name: string, id: string): void };

/** The destinations role is a process of its own, so every delivery begins with a hint in the log. */
async function start(healthy: Receiver, dead: readonly Receiver[]): Promise<System> {
  const connections = Object.fromEntries([
    ['healthy', receiverConnection(healthy, { timeoutInMs: 10_000 })],
    ...dead.map((receiver, index) => [`dead-${index}`, receiverConnection(receiver, { timeoutInMs: 3_000 })]),
  ]);
  const delivering = await startDeliveringSystem(
    connections,
    { SEQUENT_LEASE_MS: '15000', SEQUENT_PATIENCE_MS: '5000' },
    'worker,scheduler',
  );
  const destinations = await startSequent(['--role', 'destinations'], delivering.env);
  const put = (name: string, url: string, connection: string) =>
    delivering.client.functions.put({
      name,
      handler: { kind: 'process', file: '/never-started.mjs' },
      policy: { onFailure: [toHttp(url, connection)] },
    });
  await put('fine', healthy.url, 'healthy');
  await Promise.all(dead.map((receiver, index) => put(`doomed-${index}`, receiver.url, `dead-${index}`)));
  return {
    delivering,
    // A payload that is not JSON is an outcome with deliveries, without an execution.
    invoke(name, id) {
      const named = headers();
      named.set('Request-Id', id);
      delivering.log.connection.nats.publish(`invoke.${name}`, '{', { headers: named });
    },
    async [Symbol.asyncDispose]() {
      await destinations[Symbol.asyncDispose]();
      await delivering[Symbol.asyncDispose]();
    },
  };
}

/** The times from the outcome to the delivery, by the clocks of the processes that appended both. */
function latenciesOf({ delivering: { log } }: System, ids: readonly string[]): number[] {
  return ids.map((id) => {
    const at = (type: string): number => log.facts.get(id)?.find((fact) => fact.type === type)?.at ?? Number.NaN;
    return at('delivery.delivered') - at('failed');
  });
}

/** Waits until the destinations role has taken the hints of the backlog, which it does not while other streams occupy it. */
async function untilTaken({ delivering: { log } }: System): Promise<void> {
  await log.until((fact) => fact.invocation === `doomed-0-${DELIVERIES_PER_DEAD_TARGET - 1}` && fact.type === 'failed');
  const deadline = performance.now() + 15_000;
  while (performance.now() < deadline) {
    const { num_pending } = await log.connection.manager.consumers.info('INVOCATIONS', 'destinations');
    if (num_pending === 0) return;
    await systemClock.sleep(50);
  }
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? Number.NaN;
}

test('20 dead targets with a backlog each do not delay the deliveries to a healthy target', { timeout: 120_000 }, async () => {
  await using healthy = await openReceiver(answer(200));
  const dead = await Promise.all(
    // Most of the targets do not answer; the others refuse.
    Array.from({ length: DEAD_TARGETS }, (_, index) => openReceiver(index < HANGING_TARGETS ? () => {} : answer(503))),
  );
  await using _receivers = { [Symbol.asyncDispose]: async () => void (await Promise.all(dead.map((one) => one[Symbol.asyncDispose]()))) };
  // Both systems run at the same time, in turns, so other load of the machine affects both.
  const systems = await Promise.all([start(healthy, []), start(healthy, dead)]);
  await using _systems = { [Symbol.asyncDispose]: async () => void (await Promise.all(systems.map((one) => one[Symbol.asyncDispose]()))) };
  const [, shared] = systems;

  async function steadily(round: string, count: number): Promise<number[][]> {
    const startedAt = performance.now();
    for (let i = 0; i < count; i++) {
      for (const [index, { invoke }] of systems.entries()) {
        const waitInMs = startedAt + ((2 * i + index) * 500) / PER_SECOND - performance.now();
        if (waitInMs > 0) await systemClock.sleep(waitInMs);
        invoke('fine', `fine-${round}-${i}`);
      }
    }
    const ids = Array.from({ length: count }, (_, i) => `fine-${round}-${i}`);
    await Promise.all(systems.map(({ delivering: { log } }) => log.untilNotified(ids, 20_000)));
    return systems.map((system) => latenciesOf(system, ids));
  }

  await steadily('warm-up', PER_ROUND);
  for (let i = 0; i < DELIVERIES_PER_DEAD_TARGET; i++) {
    for (let target = 0; target < DEAD_TARGETS; target++) shared.invoke(`doomed-${target}`, `doomed-${target}-${i}`);
  }
  const arriving = (await steadily('arriving', PER_ROUND)).map((latencies) =>
    isFull ? quantile(latencies, 0.99) : medianOfBlocks(latencies, PER_ROUND / 5, (block) => quantile(block, 0.99)),
  );
  await untilTaken(shared);
  const rounds: number[][][] = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push(await steadily(String(round), PER_ROUND));

  // The first round also measures how the backlog is written. The median of the rounds is robust against such a disturbance.
  const [alone = 0, together = 0] = systems.map((_, index) => medianOf(rounds.map((round) => quantile(round[index] ?? [], 0.99))));
  const perRound = rounds.map((round) => round.map((latencies) => quantile(latencies, 0.99)).join('/')).join(' ');
  const open = [...shared.delivering.log.facts].filter(([id, life]) => id.startsWith('doomed') && life.at(-1)?.type !== 'notified').length;
  process.stdout.write(
    `dead targets: median p99 ${alone} ms alone and ${together} ms with ${DEAD_TARGETS} dead targets (by round: ${perRound}; while they arrive: ${arriving.join('/')}), ` +
      `${open} of ${DEAD_TARGETS * DELIVERIES_PER_DEAD_TARGET} deliveries wait, ${dead.reduce((sum, { received }) => sum + received.length, 0)} tries\n`,
  );
  expect(open).toBe(DEAD_TARGETS * DELIVERIES_PER_DEAD_TARGET);
  expect(together).toBeLessThanOrEqual(BOUND.factor * alone + BOUND.ms);
  const [aloneThen = 0, togetherThen = 0] = arriving;
  expect(togetherThen).toBeLessThanOrEqual(ARRIVING.factor * aloneThen + ARRIVING.ms);
});
