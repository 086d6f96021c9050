import { expect, test } from 'vitest';
import { startTestServer } from '#test/support/nats/nats-server.ts';
import { startSystem } from '#test/support/nats/running-system.ts';

const FUNCTIONS = 200;
/** What the first request of an idle function may take more than the next one, whose function has its consumer. */
const MAX_MORE_MS = 50;
/** The machine does other work too: a tenth of the requests may be delayed by it. */
const JUDGED = 0.9;

test('the first request of an idle function takes at most 50 ms more than the next one', { timeout: 120_000 }, async () => {
  const names = Array.from({ length: FUNCTIONS }, (_, number) => `first${number}`);
  await using server = await startTestServer();
  await using system = await startSystem(server.url, new Map(names.map((name) => [name, async () => name] as const)));
  const latencyOf = async (name: string): Promise<number> => {
    const sentAt = performance.now();
    await system.resultOf(await system.publish(name, '{}'));
    return performance.now() - sentAt;
  };
  const first: number[] = [];
  const next: number[] = [];
  for (const name of names) {
    first.push(await latencyOf(name));
    next.push(await latencyOf(name));
  }
  const at = (values: number[], share: number): number =>
    values.toSorted((one, other) => one - other)[Math.floor(values.length * share)] ?? 0;
  process.stdout.write(
    `first and next requests of ${FUNCTIONS} functions in ms: medians ${at(first, 0.5).toFixed(1)} and ${at(next, 0.5).toFixed(1)}, ` +
      `p99 ${at(first, 0.99).toFixed(1)} and ${at(next, 0.99).toFixed(1)}\n`,
  );
  expect(at(first, JUDGED)).toBeLessThan(at(next, JUDGED) + MAX_MORE_MS);
});
