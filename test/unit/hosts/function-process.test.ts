import { expect, test } from 'vitest';
import { functionDefinitionSchema } from '#src/core/functions/definition.ts';
import type { ChildEvents } from '#src/hosts/process/child-process.ts';
import { FunctionProcess } from '#src/hosts/process/function-process.ts';
import { Task } from '#src/hosts/process/task.ts';
import { executionOf } from '#test/support/hosts/executions.ts';

const definition = functionDefinitionSchema.parse({ name: 'fast', handler: { kind: 'process', file: '/fast.mjs', export: 'handler' } });

/** A process whose child answers only what the test says: a real child cannot be made to answer late. */
function openProcess() {
  const written: unknown[][] = [];
  const unstarted: Task[] = [];
  let say: ChildEvents['onLine'] = () => {};
  const child = new FunctionProcess({
    definition,
    codeFolder: undefined,
    runtime: { isMemoryExhausted: () => false },
    functionUrn: 'urn',
    limits: { startTimeoutInMs: 10_000, abortGraceInMs: 1_000 },
    resources: { memoryInMb: 256, maxProcesses: 100 },
    observer: { onReady() {}, onSettled() {}, onEnd() {}, onUnstarted: (tasks) => void unstarted.push(...tasks) },
    open({ onLine }) {
      say = onLine;
      return { pid: undefined, write: (line) => void written.push(JSON.parse(line)), kill() {} };
    },
  });
  for (const type of ['loaded', 'ready']) say(JSON.stringify([type]));
  return { child, written, unstarted, say: (...frame: unknown[]) => say(JSON.stringify(frame)) };
}

test('a process gets no execution that would overtake the recalled ones, until it has answered the recall', () => {
  const { child, written, unstarted, say } = openProcess();
  const tasks = [1, 2, 3].map((id) => new Task(executionOf(definition, { id }), () => {}));
  const startedAt = performance.now();
  for (const task of tasks) child.run(task, startedAt);
  child.check(startedAt + 20);
  expect(written.at(-1)).toEqual(['recall']);
  // The answer to the first execution was on its way when the recall was sent.
  say('returned', 1, '1', '', 1);
  expect(child.isOpen).toBe(false);
  say('recalled', [3]);
  expect(child.isOpen).toBe(true);
  expect(unstarted).toEqual([tasks[2]]);
});
