import { expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import type { RequestId } from '#src/core/names/names.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import type { DestinationTarget } from '#src/core/ports/destination-target.ts';
import { loadStream, type StreamState } from '#src/core/stream/stream.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';
import { openMemoryDeliveries } from '#test/support/destinations/memory-deliveries.ts';
import { retrying, running, succeeded, vanished } from '#test/support/log/facts.ts';
import { acceptStream, append, appendId, until } from '#test/support/log/opened-log.ts';

type MemoryLog = ReturnType<typeof createMemoryLog>;

const destinations = [{ id: 'http-0', destination: 'HTTP', param: '{}' }];
const failure = { kind: 'platform', errorType: 'InvocationCanceled', message: 'it was cancelled', code: 4_208 } as const;

function canceled(invocation: string, more: object = {}): Fact {
  return { type: 'failed', invocation, at: Date.now(), attempt: 0, condition: 'InvocationCanceled', failure, ...more };
}

function writerOf(log: MemoryLog, state: StreamState) {
  return new StreamWriter({ log, state, by: 'worker', appendId, clock: systemClock });
}

function openDeliveries(log: MemoryLog, deliver: DestinationTarget['deliver']) {
  return openMemoryDeliveries(log, { targets: { HTTP: { refuse: () => undefined, limitKeyOf: () => 'one', deliver } } });
}

async function loaded(log: MemoryLog, { name, request }: { name: Parameters<typeof loadStream>[1]; request: number }) {
  const state = await loadStream(log, name, request);
  if (state === undefined) throw new Error('the request is not there');
  return state;
}

test('the outcome of a cancelled invocation is delivered after its result is stored (PUB4)', async () => {
  const log = createMemoryLog({ clock: systemClock });
  const { name, ids, state } = await acceptStream(log, 1);
  const request = state.request.sequence;
  await log.append(name, append([canceled(ids[0] ?? '', { destinations })], { request }), {});
  const resultsAtTry: number[] = [];
  const deliveries = openDeliveries(log, async () => {
    resultsAtTry.push(log.results.published.length);
    return { kind: 'delivered' };
  });
  expect(deliveries.take(await loaded(log, { name, request }))).toBe(true);
  await until(() => resultsAtTry.length > 0);
  await deliveries.stop();
  expect([resultsAtTry, log.results.published.map((result) => result.id)]).toEqual([[1], ids]);
});

test('the result of an outcome is stored before its delivery, also after a power cut (PUB4)', async () => {
  const log = createMemoryLog({ clock: systemClock, isDense: true });
  const { name, ids, state } = await acceptStream(log, 1);
  const [invocation = ''] = ids;
  const request = state.request.sequence;
  const worker = writerOf(log, state);
  await worker.propose(invocation, [running(1, { invocation })]);
  const kept = worker.state.version;
  await worker.propose(invocation, [succeeded(1, { invocation, destinations, at: Date.now() })]);
  const lost = worker.state;
  log.loseFrom(kept + 1, { isNoticed: false });
  const present = writerOf(log, await loaded(log, { name, request }));
  await present.propose(invocation, [retrying(1, { invocation, failure: vanished })]);
  await present.propose(invocation, [canceled(invocation, { destinations, attempt: 1 })]);
  expect(present.state.version).toBeGreaterThan(lost.version);
  await log.results.publish(name, invocation as RequestId, 'succeeded', '{}');

  const resultsAtTry: string[][] = [];
  const deliveries = openDeliveries(log, async () => {
    resultsAtTry.push(log.results.published.map(({ outcome }) => outcome));
    return { kind: 'delivered' };
  });
  expect(deliveries.take(lost)).toBe(true);
  await until(() => resultsAtTry.length > 0);
  await deliveries.stop();
  expect(resultsAtTry).toEqual([['succeeded', 'failed']]);
});

test('a cancelled invocation without destinations is notified after its result is stored (PUB4)', async () => {
  const log = createMemoryLog({ clock: systemClock });
  const { name, ids, state } = await acceptStream(log, 2);
  const request = state.request.sequence;
  const [delivered = '', cancelled = ''] = ids;
  await log.append(name, append([succeeded(0, { invocation: delivered, destinations }), canceled(cancelled)], { request }), {});
  const deliveries = openDeliveries(log, async () => ({ kind: 'delivered' }));
  expect(deliveries.take(await loaded(log, { name, request }))).toBe(true);
  const isNotified = async () =>
    (await loaded(log, { name, request })).facts.some(({ type, invocation }) => type === 'notified' && invocation === cancelled);
  while (!(await isNotified())) await systemClock.sleep(1);
  await deliveries.stop();
  expect(log.results.published.map((result) => result.id)).toEqual([cancelled]);
});
