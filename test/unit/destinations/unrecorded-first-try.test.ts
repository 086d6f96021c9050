import { expect, test } from 'vitest';
import type { Outcome } from '#machines/facts.ts';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { loadStream } from '#src/core/stream/stream.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';
import { openMemoryDeliveries } from '#test/support/destinations/memory-deliveries.ts';
import { accept, append, appendId, newStream, until } from '#test/support/log/opened-log.ts';

const none = (): void => {};

/** A stream with a cancelled invocation and its outcome, which has one destination. */
async function openOutcome() {
  const log = createMemoryLog({ clock: systemClock });
  const name = newStream();
  const request = await accept(log, name);
  const failure = { kind: 'platform', errorType: 'InvocationCanceled', message: 'it was cancelled', code: 4_208 } as const;
  const outcome: Outcome = {
    type: 'failed',
    invocation: name.stream as string,
    at: Date.now(),
    attempt: 0,
    condition: 'InvocationCanceled',
    failure,
    destinations: [{ id: 'http-0', destination: 'HTTP', param: '{}' }],
  };
  return { log, name, request, outcome };
}

test('a hint stays unacknowledged during a first try, and repeats a try whose result the log refused', async () => {
  const { log, name, request, outcome } = await openOutcome();
  let endTry = none;
  const tryEnded = new Promise<void>((resolve) => {
    endTry = resolve;
  });
  const complaints: string[] = [];
  const counts = { tries: 0, runs: 0, acks: 0 };
  const deliveries = openMemoryDeliveries(log, {
    logger: { ...silentLogger, error: (_, text) => void complaints.push(text), warn: (_, text) => void complaints.push(text) },
    targets: {
      HTTP: {
        refuse: () => undefined,
        limitKeyOf: () => 'one',
        async deliver() {
          if (++counts.tries === 1) await tryEnded;
          return { kind: 'delivered' };
        },
      },
    },
    onDemand: () => counts.runs++,
  });
  const claimed = deliveries.claim(outcome, name.function);
  await log.append(name, append([outcome, ...(claimed?.facts ?? [])], { request }), {});
  const state = await loadStream(log, name, request);
  if (claimed === undefined || state === undefined) throw new Error('the first try was not claimed');
  const refusing = { ...log, append: () => Promise.reject(new Error('the log is full')) };
  claimed.make(new StreamWriter({ log: refusing, state, by: 'deliverer', appendId, clock: systemClock }));
  const item = { name, request, sequence: request + 1, isFirstDelivery: false, release: none, working: none, delayRedelivery: none };
  const hint = (): void => deliveries.accept({ ...item, ack: () => counts.acks++ });

  hint();
  await until(() => counts.runs === 1);
  expect(counts).toEqual({ tries: 1, runs: 1, acks: 0 });
  endTry();
  await until(() => complaints.length === 1);
  expect(complaints).toEqual(['the result of a first try could not be recorded']);
  hint();
  await until(() => counts.acks === 1);
  expect(counts).toEqual({ tries: 2, runs: 2, acks: 1 });
  const life = (await loadStream(log, name, request))?.invocations.get(outcome.invocation);
  expect(life?.value).toBe('notified');
  await deliveries.stop();
});
