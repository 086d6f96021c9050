import { describe, expect, test } from 'vitest';
import { createExecutions } from '#src/worker/attempt/executions.ts';

/** Two functions that run an attempt of one request id in one worker. */
function openTwo() {
  const executions = createExecutions();
  const started = ['orders', 'bills'].map((name) => {
    const asked = { function: name, invocation: 'order-1', attempt: 1 };
    const held = executions.hold(asked);
    return { asked, held, signal: held.startExecution() };
  });
  const [orders, bills] = started as [(typeof started)[0], (typeof started)[0]];
  return { executions, orders, bills };
}

describe('the executions of two functions with one request id (ID1)', () => {
  test('are two: the end of one does not make the other look lost', () => {
    const { executions, orders, bills } = openTwo();
    expect([executions.isRunning(orders.asked), executions.isRunning(bills.asked)]).toEqual([true, true]);
    orders.held.endExecution();
    orders.held.release();
    expect([executions.isRunning(orders.asked), executions.isRunning(bills.asked)]).toEqual([false, true]);
  });

  test('are cancelled one by one', () => {
    const { executions, orders, bills } = openTwo();
    executions.cancel(orders.asked);
    expect([orders.signal.aborted, bills.signal.aborted]).toEqual([true, false]);
  });

  test('are found without the function, as an earlier version asks, and are cancelled if they are one', () => {
    const { executions, orders, bills } = openTwo();
    const asked = { invocation: 'order-1', attempt: 1 };
    executions.cancel(asked);
    expect([executions.isRunning(asked), orders.signal.aborted, bills.signal.aborted]).toEqual([true, false, false]);
    orders.held.endExecution();
    orders.held.release();
    executions.cancel(asked);
    expect([executions.isRunning(asked), bills.signal.aborted]).toEqual([true, true]);
  });
});
