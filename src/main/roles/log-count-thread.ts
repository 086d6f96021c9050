import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { LogCount } from '#src/gateway/operations/log-count.ts';
import type { NatsAddress } from '#src/main/config/nats-address.ts';

/** What the thread is told when it starts. */
export type LogCountOptions = { address: Omit<NatsAddress, 'from'>; from: number };
export type LogCountAnswer = { question: number } & ({ count: Awaited<ReturnType<LogCount['read']>> } | { problem: string });

type Waiting = { resolve: (count: Awaited<ReturnType<LogCount['read']>>) => void; reject: (reason: Error) => void };

/**
 * Counts the log in a thread of its own, from the first question on: reading the whole log would hold up what accepts, and whoever
 * never asks need not pay for it.
 */
export function createLogCountThread(order: LogCountOptions): LogCount {
  let running: { thread: Worker; waiting: Map<number, Waiting> } | undefined;
  let questions = 0;

  function start(): { thread: Worker; waiting: Map<number, Waiting> } {
    const thread = new Worker(new URL('./log-count-worker.mjs', import.meta.url), { workerData: order, execArgv: [] });
    const started = { thread, waiting: new Map<number, Waiting>() };
    const fail = (reason: Error): void => {
      if (running === started) running = undefined;
      for (const { reject } of started.waiting.values()) reject(reason);
    };
    thread.on('message', (answer: LogCountAnswer) => {
      const asked = started.waiting.get(answer.question);
      started.waiting.delete(answer.question);
      if ('count' in answer) asked?.resolve(answer.count);
      else asked?.reject(new Error(answer.problem));
    });
    thread.on('error', (cause) => fail(new Error('the log cannot be counted', { cause })));
    thread.on('exit', () => fail(new Error('the thread that counts the log ended')));
    return started;
  }

  return {
    async read() {
      running ??= start();
      const { thread, waiting } = running;
      const question = questions++;
      return await new Promise((resolve, reject) => {
        waiting.set(question, { resolve, reject });
        thread.postMessage(question);
      });
    },
    async close() {
      if (running === undefined) return;
      const { thread } = running;
      const ended = once(thread, 'exit');
      thread.postMessage('stop');
      await ended;
    },
  };
}
