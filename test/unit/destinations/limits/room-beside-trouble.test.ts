import { expect, test } from 'vitest';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { createStreamId, idAt } from '#src/core/names/ids.ts';
import { parseFunctionName } from '#src/core/names/names.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import type { DeliveryResult } from '#src/core/ports/destination-target.ts';
import { loadStream, type StreamState } from '#src/core/stream/stream.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';
import type { WorkItem } from '#src/core/stream/work-queue.ts';
import { FAILURES_UNTIL_OPEN } from '#src/destinations/limits/circuit-breaker.ts';
import { openMemoryDeliveries } from '#test/support/destinations/memory-deliveries.ts';
import { running, succeeded } from '#test/support/log/facts.ts';
import { watchLog } from '#test/support/log/faulty-log.ts';
import { appendId, until } from '#test/support/log/opened-log.ts';

const BACKLOG = 2_000;

/** A hint for the delivery of an outcome, with the state of its stream, as a small one has it. */
async function createHint(log: ReturnType<typeof createMemoryLog>, fn: string, number: number): Promise<WorkItem> {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(number, 2);
  const name = { function: parseFunctionName(fn), stream: createStreamId(systemClock.now(), bytes) };
  const { sequence } = await log.accept(name, [{ payload: '{}' }]);
  const state = (await loadStream(log, name, sequence)) as StreamState;
  const invocation = idAt(name.stream, 0);
  const writer = new StreamWriter({ log, state, by: 'worker', appendId, clock: systemClock });
  const at = systemClock.now();
  const destinations = [{ id: 'http-0', destination: 'HTTP', param: fn }];
  await writer.propose(invocation, [running(1, { invocation, at }), succeeded(1, { invocation, at, destinations })]);
  const nothing = (): void => {};
  return {
    ...{ name, request: sequence, sequence, state: writer.state, isFirstDelivery: false },
    ...{ ack: nothing, release: nothing, working: nothing, delayRedelivery: nothing },
  };
}

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
  for (let number = 0; number < FAILURES_UNTIL_OPEN; number++) deliveries.accept(await createHint(memory, 'doomed', number));
  await until(() => deliveries.circuits.length === 1);
  const hints: WorkItem[] = [];
  for (let number = 0; number < BACKLOG; number++) hints.push(await createHint(memory, 'doomed', FAILURES_UNTIL_OPEN + number));
  const release = log.hold();
  for (const hint of hints) deliveries.accept(hint);
  expect(deliveries.demand).toBeGreaterThan(0);
  deliveries.accept(await createHint(memory, 'fine', 0));
  release();
  await until(() => delivered.length === 1);
  // Each parked stream has its turn: it waits for the circuit in the log, or makes the probe.
  const countAdvanced = (): number => new Set(log.appends.flatMap(({ facts }) => facts.map(({ invocation }) => invocation))).size;
  await until(() => countAdvanced() === FAILURES_UNTIL_OPEN + BACKLOG + 1);
  await deliveries.stop();
});
