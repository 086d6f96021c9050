import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { LogCount } from '#src/gateway/metrics/log-count.ts';
import type { LogUsage } from '#src/gateway/quotas/log-usage.ts';
import type { NatsAddress } from '#src/main/config/nats-address.ts';
import { ownThread } from '#src/main/roles/own-module.ts';

/** The data that the thread gets when it starts. */
export type LogCountOptions = { address: Omit<NatsAddress, 'from'>; from: number };
export type LogCountQuestion = { question: number; about: 'metrics' | 'usage' | 'usage with bytes' };
export type LogCountAnswer = { question: number } & ({ count: unknown } | { problem: string });

/** The counts of the metrics, and those of the quotas of projects. */
export type CountedLog = LogCount & { usage(asked: { bytes: boolean }): Promise<LogUsage> };

type Pending = { resolve: (count: unknown) => void; reject: (reason: Error) => void };

/**
 * Counts the log in a thread, because a read of the whole log would delay the acceptance of requests.
 *
 * The first question starts the thread. A gateway whose metrics are never read, and whose projects have no quotas, has none.
 */
export function createLogCountThread(options: LogCountOptions): CountedLog {
  let running: { thread: Worker; pending: Map<number, Pending> } | undefined;
  let questions = 0;

  function start(): { thread: Worker; pending: Map<number, Pending> } {
    const thread = new Worker(ownThread('threads/log-count-worker'), { workerData: options, execArgv: [] });
    const started = { thread, pending: new Map<number, Pending>() };
    const fail = (reason: Error): void => {
      if (running === started) running = undefined;
      for (const { reject } of started.pending.values()) reject(reason);
    };
    thread.on('message', (answer: LogCountAnswer) => {
      const question = started.pending.get(answer.question);
      started.pending.delete(answer.question);
      if ('count' in answer) question?.resolve(answer.count);
      else question?.reject(new Error(answer.problem));
    });
    thread.on('error', (cause) => fail(new Error('the log cannot be counted', { cause })));
    thread.on('exit', () => fail(new Error('the thread that counts the log ended')));
    return started;
  }

  async function ask(about: LogCountQuestion['about']): Promise<unknown> {
    running ??= start();
    const { thread, pending } = running;
    const question = questions++;
    return await new Promise((resolve, reject) => {
      pending.set(question, { resolve, reject });
      thread.postMessage({ question, about } satisfies LogCountQuestion);
    });
  }

  return {
    read: async () => (await ask('metrics')) as Awaited<ReturnType<LogCount['read']>>,
    usage: async ({ bytes }) => (await ask(bytes ? 'usage with bytes' : 'usage')) as LogUsage,
    async close() {
      if (running === undefined) return;
      const { thread } = running;
      const ended = once(thread, 'exit');
      thread.postMessage('stop');
      await ended;
    },
  };
}
