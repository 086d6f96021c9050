import { expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { cancelInvocation } from '#src/core/stream/cancel-invocation.ts';
import { loadStream } from '#src/core/stream/stream.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';
import { createVirtualClock } from '#src/testing/virtual-clock.ts';
import { retrying, running } from '#test/support/log/facts.ts';
import { acceptStream, append, appendId, newStream } from '#test/support/log/opened-log.ts';

const clock = createVirtualClock(1_000);

/** A call of `cancelInvocation`, with the hints and the announcements that it made. */
function openCancel() {
  const made: string[] = [];
  const ports = {
    clock,
    hints: { wake: () => void made.push('wake'), deliver: () => {} },
    cancellations: { announce: (worker: string) => void made.push(`abort in ${worker}`), follow: () => () => {} },
    findFunction: () => Promise.reject(new Error('the terms are in the log')),
  };
  return { made, ports: ports as unknown as Parameters<typeof cancelInvocation>[2] };
}

test('a cancel of an attempt that fails meanwhile wakes a worker, which publishes the result (PUB5)', async () => {
  const log = createMemoryLog({ clock });
  const { name, ids, state: accepted } = await acceptStream(log, 1);
  const [id = ''] = ids;
  const request = accepted.request.sequence;
  const of = (fact: Fact): Fact => ({ ...fact, invocation: id });
  const started = await log.append(name, append([of(running(1))], { request }), {});
  const state = await loadStream(log, name, request);
  if (started === undefined || state === undefined) throw new Error('the attempt has not started');
  await log.append(name, append([of(retrying(1, { dueAt: 60_000 }))], { request, previous: started.version }), {});
  const { made, ports } = openCancel();
  const writer = new StreamWriter({ log, state, by: 'person', appendId, clock });
  expect(await cancelInvocation(writer, { id, reason: 'a test' }, ports)).toMatchObject({ isCanceled: true });
  expect(made).toEqual(['wake']);
});

test('a cancel of the request that opened a batch is refused, and names the batch', async () => {
  const log = createMemoryLog({ clock });
  const name = newStream();
  const { sequence } = await log.accept(name, [{ payload: '', opens: { batch: 'nightly' } }]);
  const state = await loadStream(log, name, sequence);
  if (state === undefined) throw new Error('the batch is not there');
  const writer = new StreamWriter({ log, state, by: 'person', appendId, clock });
  const [id = ''] = state.invocations.keys();
  await expect(cancelInvocation(writer, { id, reason: 'a test' }, openCancel().ports)).rejects.toThrow(`${id} opened the batch nightly`);
});
