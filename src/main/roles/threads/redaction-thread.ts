import { Worker } from 'node:worker_threads';
import type { RedactLarge } from '#src/hosts/finish-output.ts';
import { ownThread } from '#src/main/roles/own-module.ts';

/** The lines of the file of patterns, which the thread gets when it starts. */
export type RedactionOptions = { lines: string };
export type RedactionQuestion = { question: number; text: string };
export type RedactionAnswer = { question: number; redacted: string };

type Pending = Map<number, { resolve: (redacted: string) => void; reject: (reason: Error) => void }>;

/**
 * Hides the secrets of long outputs in a thread. The time is in proportion to the text, but 4 MB would delay the executions of all functions.
 *
 * The first long output starts the thread, and a later one starts it again after its end. The outputs that wait are bounded by the executions
 * of the worker.
 */
export function createRedactionThread(options: RedactionOptions): RedactLarge {
  let running: { thread: Worker; pending: Pending } | undefined;
  let questions = 0;

  function start(): { thread: Worker; pending: Pending } {
    const thread = new Worker(ownThread('threads/redaction-worker'), { workerData: options, execArgv: [] });
    const started = { thread, pending: new Map() as Pending };
    const fail = (reason: Error): void => {
      if (running === started) running = undefined;
      for (const { reject } of started.pending.values()) reject(reason);
      started.pending.clear();
    };
    thread.on('message', ({ question, redacted }: RedactionAnswer) => {
      started.pending.get(question)?.resolve(redacted);
      started.pending.delete(question);
    });
    thread.on('error', (cause) => fail(new Error('the thread that hides secrets failed', { cause })));
    thread.on('exit', () => fail(new Error('the thread that hides secrets ended')));
    // The end of this process does not wait for the thread.
    thread.unref();
    return started;
  }

  return (text) => {
    running ??= start();
    const { thread, pending } = running;
    const question = questions++;
    return new Promise((resolve, reject) => {
      pending.set(question, { resolve, reject });
      thread.postMessage({ question, text } satisfies RedactionQuestion);
    });
  };
}
