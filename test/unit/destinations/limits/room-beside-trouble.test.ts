import { expect, test } from 'vitest';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import type { DeliveryResult } from '#src/core/ports/destination-target.ts';
import type { WorkItem } from '#src/core/stream/work-queue.ts';
import { FAILURES_UNTIL_OPEN } from '#src/destinations/limits/circuit-breaker.ts';
import { createDeliveryHint } from '#test/support/destinations/delivery-hint.ts';
import { openMemoryDeliveries } from '#test/support/destinations/memory-deliveries.ts';
import { watchLog } from '#test/support/log/faulty-log.ts';
import { until } from '#test/support/log/opened-log.ts';

const BACKLOG = 2_000;
/** How many streams of a function with an open circuit are in progress at once. */
const ROOM = 256;
/** Parked streams, and the pause between their turns. */
const PARKED = 200;
const PAUSE_MS = 10;
/** Turns that are over before the circuit lets a probe pass. */
const TURNS = 10;
const FUNCTIONS = 20;
const BURST = 1_000;

test('a backlog of a target with an open circuit leaves room to take the hints of other targets', async () => {
  const memory = createMemoryLog({ clock: systemClock, isDense: true });
  const log = watchLog(memory);
  const delivered: string[] = [];
  const deliver = async ({ functionName }: { functionName: string }): Promise<DeliveryResult> => {
    if (functionName === 'doomed') return { kind: 'failed', reason: 'no answer' };
    delivered.push(functionName);
    return { kind: 'delivered' };
  };
  const target = { refuse: () => undefined, limitKeyOf: ({ param }: { param: string }) => param, deliver };
  const deliveries = openMemoryDeliveries(memory, { log, targets: { HTTP: target } });
  for (let number = 0; number < FAILURES_UNTIL_OPEN; number++) deliveries.accept(await createDeliveryHint(memory, 'doomed', number));
  await until(() => deliveries.circuits.length === 1);
  const hints: WorkItem[] = [];
  for (let number = 0; number < BACKLOG; number++) hints.push(await createDeliveryHint(memory, 'doomed', FAILURES_UNTIL_OPEN + number));
  const release = log.hold();
  for (const hint of hints) deliveries.accept(hint);
  expect(deliveries.demand).toBeGreaterThan(0);
  deliveries.accept(await createDeliveryHint(memory, 'fine', 0));
  release();
  await until(() => delivered.length === 1);
  // Each parked stream has its turn: it waits for the circuit in the log, or makes the probe.
  const countAdvanced = (): number => new Set(log.appends.flatMap(({ facts }) => facts.map(({ invocation }) => invocation))).size;
  await until(() => countAdvanced() === FAILURES_UNTIL_OPEN + BACKLOG + 1);
  await deliveries.stop();
});

test('parked streams of a target with an open circuit pause between their turns', async () => {
  const memory = createMemoryLog({ clock: systemClock, isDense: true });
  const log = watchLog(memory);
  const target = {
    refuse: () => undefined,
    limitKeyOf: ({ param }: { param: string }) => param,
    deliver: async (): Promise<DeliveryResult> => ({ kind: 'failed', reason: 'no answer' }),
  };
  const deliveries = openMemoryDeliveries(memory, { log, targets: { HTTP: target } });
  for (let number = 0; number < FAILURES_UNTIL_OPEN; number++) deliveries.accept(await createDeliveryHint(memory, 'doomed', number));
  await until(() => deliveries.circuits.length === 1);
  const release = log.hold();
  let parked = 0;
  for (let number = 0; parked < PARKED; number++) {
    const hint = await createDeliveryHint(memory, 'doomed', FAILURES_UNTIL_OPEN + number);
    hint.delayRedelivery = () => void parked++;
    deliveries.accept(hint);
    await new Promise(setImmediate);
  }
  release();
  const taken = (): number => new Set(log.appends.flatMap(({ facts }) => facts.map(({ invocation }) => invocation))).size;
  const turnsSince = (at: number): number => (performance.now() - at) / PAUSE_MS;
  // Those that were in progress end first, many in a pause. Without a pause, all parked ones end with them.
  for (let [before, at] = [-PARKED, performance.now()]; taken() - before > turnsSince(at) + 2; await systemClock.sleep(PAUSE_MS))
    [before, at] = [taken(), performance.now()];
  const [before, at] = [taken(), performance.now()];
  await until(() => taken() >= before + TURNS);
  expect(turnsSince(at)).toBeGreaterThan(0.8 * TURNS);
  await until(() => taken() >= FAILURES_UNTIL_OPEN + ROOM + PARKED);
  await deliveries.stop();
});

test.for([
  ['with the states of their streams', true],
  ['without states, so that each stream is read', false],
] as const)('a burst of hints of twenty functions %s delays the hint of another function by one turn', async ([, hasState]) => {
  const memory = createMemoryLog({ clock: systemClock, isDense: true });
  const log = watchLog(memory);
  const deliver = async (): Promise<DeliveryResult> => ({ kind: 'delivered' });
  const target = { refuse: () => undefined, limitKeyOf: ({ param }: { param: string }) => param, deliver };
  const deliveries = openMemoryDeliveries(memory, { log, targets: { HTTP: target } });
  const hints: WorkItem[] = [];
  for (let number = 0; number < BURST; number++) hints.push(await createDeliveryHint(memory, `other-${number % FUNCTIONS}`, number));
  const fine = await createDeliveryHint(memory, 'fine', 0);
  const before = log.appends.length;
  if (!hasState) for (const hint of [...hints, fine]) hint.state = undefined;
  for (const hint of [...hints, fine]) deliveries.accept(hint);
  expect(deliveries.demand).toBeGreaterThan(0);
  const isFine = ({ facts }: { facts: readonly { invocation: string }[] }): boolean =>
    facts.some(({ invocation }) => invocation.startsWith(fine.name.stream));
  await until(() => log.appends.some(isFine));
  // The function has its turn after one hint of each other function, beside the one that was taken at once and what was in progress then.
  expect(log.appends.slice(before).findIndex(isFine)).toBeLessThan(8 * FUNCTIONS);
  await deliveries.stop();
});
