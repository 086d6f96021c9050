import { expect, test } from 'vitest';
import { scanDeadLetters, scanFailures } from '#src/client/repair/failures.ts';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { createVirtualClock } from '#src/testing/virtual-clock.ts';
import { deliveryDead, deliveryDismissed, failed, redriven } from '#test/support/log/facts.ts';
import { accept, append, newStream } from '#test/support/log/opened-log.ts';

test('a repair of one function leaves those of a function that shares the request id', async () => {
  const log = createMemoryLog({ clock: createVirtualClock(1_000) });
  const orders = newStream('orders');
  const bills = { ...orders, function: 'bills' as FunctionName };
  for (const [name, repairs] of [
    [orders, []],
    [bills, [deliveryDismissed(1), redriven()]],
  ] as const)
    await log.append(name, append([failed(1), deliveryDead(1), ...repairs], { request: await accept(log, name) }), {});
  expect((await scanDeadLetters(log, {})).map((letter) => letter.function)).toEqual(['orders']);
  expect((await scanFailures(log, {})).map((failure) => failure.function)).toEqual(['orders']);
});
