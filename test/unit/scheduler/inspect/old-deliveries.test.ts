import { expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { loadStream } from '#src/core/stream/stream.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';
import { endOldDeliveries } from '#src/scheduler/inspect/old-deliveries.ts';
import { createVirtualClock } from '#src/testing/virtual-clock.ts';
import { billing, deliveryDead, deliveryFailed, deliveryRedriven, deliveryStarted, failed, running } from '#test/support/log/facts.ts';
import { acceptStream, append, appendId } from '#test/support/log/opened-log.ts';

test('a delivery that is too old, and is redriven at the same time, does not end', async () => {
  const clock = createVirtualClock(1_000);
  const log = createMemoryLog({ clock });
  const { name, ids, state: accepted } = await acceptStream(log, 1);
  const [id = ''] = ids;
  const request = accepted.request.sequence;
  const of = (facts: Fact[]): Fact[] => facts.map((fact) => ({ ...fact, invocation: id }));
  const before = of([running(1), failed(1, { destinations: [billing] }), deliveryStarted(1), deliveryFailed(1)]);
  const read = await log.append(name, append(before, { request }), {});
  const state = await loadStream(log, name, request);
  if (read === undefined || state === undefined) throw new Error('the outcome is not there');
  const redriven = of([deliveryDead(1), deliveryRedriven(1, { at: 1_000 })]);
  await log.append(name, append(redriven, { request, previous: read.version }), {});

  const writer = new StreamWriter({ log, state, by: 'scheduler', appendId, clock });
  const { outcome = null } = state.invocations.get(id)?.context ?? {};
  await endOldDeliveries(id, outcome, writer, { clock, maxDeliveryAgeInMs: 100 });
  expect((await loadStream(log, name, request))?.facts.at(-1)?.type).toBe('delivery.redriven');
});
