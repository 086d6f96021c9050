import { expect, test } from 'vitest';
import { ExecutionAbort } from '#src/worker/attempt/executions.ts';

test('an aborted execution calls each listener once, and none that was removed', () => {
  const execution = new ExecutionAbort();
  const heard: string[] = [];
  const [first, removed, last] = ['first', 'removed', 'last'].map((name) => () => void heard.push(`${name} ${execution.aborted}`));
  for (const listener of [first, removed, last]) if (listener !== undefined) execution.addEventListener('abort', listener);
  if (removed !== undefined) execution.removeEventListener('abort', removed);
  expect([execution.aborted, heard]).toEqual([false, []]);
  execution.abort();
  execution.abort();
  expect([execution.aborted, heard]).toEqual([true, ['first true', 'last true']]);
});

test('a listener that another one removes during the abort is not called', () => {
  const execution = new ExecutionAbort();
  const heard: string[] = [];
  const second = () => void heard.push('second');
  execution.addEventListener('abort', () => {
    heard.push('first');
    execution.removeEventListener('abort', second);
  });
  execution.addEventListener('abort', second);
  execution.abort();
  expect(heard).toEqual(['first']);
});
