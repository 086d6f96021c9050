import type { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { createStreamId, idAt } from '#src/core/names/ids.ts';
import { parseFunctionName } from '#src/core/names/names.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { loadStream, type StreamState } from '#src/core/stream/stream.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';
import type { WorkItem } from '#src/core/stream/work-queue.ts';
import { running, succeeded } from '#test/support/log/facts.ts';
import { appendId } from '#test/support/log/opened-log.ts';

/** A hint for the delivery of an outcome, with the state of its stream, as a small one has it. */
export async function createDeliveryHint(log: ReturnType<typeof createMemoryLog>, fn: string, number: number): Promise<WorkItem> {
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
