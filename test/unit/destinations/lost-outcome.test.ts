import { expect, test, vi } from 'vitest';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { loadStream, type StreamState } from '#src/core/stream/stream.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';
import { openMemoryDeliveries } from '#test/support/destinations/memory-deliveries.ts';
import { retrying, running, succeeded, vanished } from '#test/support/log/facts.ts';
import { acceptStream, appendId } from '#test/support/log/opened-log.ts';

const destinations = [{ id: 'http-0', destination: 'HTTP', param: '{}' }];

test('a delivery ends without a try when a power cut took its outcome and the invocation runs again', async () => {
  const log = createMemoryLog({ clock: systemClock, isDense: true });
  const { name, state, ids } = await acceptStream(log, 1);
  const [invocation = ''] = ids;
  const writerOf = (base: StreamState) => new StreamWriter({ log, state: base, by: 'worker', appendId, clock: systemClock });
  const worker = writerOf(state);
  await worker.propose(invocation, [running(1, { invocation })]);
  const kept = worker.state.version;
  await worker.propose(invocation, [succeeded(1, { invocation, destinations })]);
  const lost = worker.state;
  log.loseFrom(kept + 1, { isNoticed: false });
  const present = writerOf((await loadStream(log, name, state.request.sequence)) as StreamState);
  await present.propose(invocation, [retrying(1, { invocation, failure: vanished })]);
  await present.propose(invocation, [running(2, { invocation, at: 20 })]);
  expect(present.state.version).toBeGreaterThan(lost.version);

  const deliver = vi.fn(async () => ({ kind: 'delivered' }) as const);
  const target = { refuse: () => undefined, limitKeyOf: () => 'one', deliver };
  const deliveries = openMemoryDeliveries(log, { targets: { HTTP: target } });
  expect(deliveries.take(lost)).toBe(true);
  await deliveries.stop();
  const found = await loadStream(log, name, state.request.sequence);
  expect(found?.invocations.get(invocation)?.value).toBe('running');
  expect(deliver).not.toHaveBeenCalled();
});
