import { describe, expect, test } from 'vitest';
import type { ExecutionResult, ExecutionSignal } from '#src/core/ports/function-host.ts';
import { createExecutions } from '#src/worker/executions.ts';

const result: ExecutionResult = { kind: 'returned', payload: '1' };

/** Two functions that run an attempt of one request id in one worker. `end` ends an execution. */
function openTwo() {
  const executions = createExecutions();
  const started = ['orders', 'bills'].map((name) => {
    const asked = { function: name, invocation: 'order-1', attempt: 1 };
    const execution = { signal: undefined as ExecutionSignal | undefined, end: () => {} };
    const done = executions.hold(asked, () =>
      executions.run(asked, (signal) => {
        execution.signal = signal;
        return new Promise((resolve) => {
          execution.end = () => resolve(result);
        });
      }),
    );
    return { asked, execution, done };
  });
  const [orders, bills] = started as [(typeof started)[0], (typeof started)[0]];
  return { executions, orders, bills };
}

describe('the executions of two functions with one request id (ID1)', () => {
  test('are two: the end of one does not make the other look lost', async () => {
    const { executions, orders, bills } = openTwo();
    expect([executions.isRunning(orders.asked), executions.isRunning(bills.asked)]).toEqual([true, true]);
    orders.execution.end();
    await orders.done;
    expect([executions.isRunning(orders.asked), executions.isRunning(bills.asked)]).toEqual([false, true]);
  });

  test('are cancelled one by one', () => {
    const { executions, orders, bills } = openTwo();
    executions.cancel(orders.asked);
    expect([orders.execution.signal?.aborted, bills.execution.signal?.aborted]).toEqual([true, false]);
  });

  test('are found without the function, as an earlier version asks, and are cancelled if they are one', async () => {
    const { executions, orders, bills } = openTwo();
    const asked = { invocation: 'order-1', attempt: 1 };
    executions.cancel(asked);
    expect([executions.isRunning(asked), orders.execution.signal?.aborted, bills.execution.signal?.aborted]).toEqual([true, false, false]);
    orders.execution.end();
    await orders.done;
    executions.cancel(asked);
    expect([executions.isRunning(asked), bills.execution.signal?.aborted]).toEqual([true, true]);
  });
});
