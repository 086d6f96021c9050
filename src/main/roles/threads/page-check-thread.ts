import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { ownThread } from '#src/main/roles/own-module.ts';
import type { CheckPages } from '#src/projection/repair/page-check.ts';

export type PageQuestion = { file: string; tables: readonly string[] };
export type PageAnswer = { damage: string | undefined } | { problem: string };

/**
 * Checks the pages of a read model in a thread, because SQLite returns only when all pages of a table are read, and answers would wait. Each
 * step has a thread of its own, so that none is left between the checks.
 */
export const checkPagesInThread: CheckPages = async (file, tables) => {
  const thread = new Worker(ownThread('threads/page-check-worker'), { execArgv: [] });
  try {
    thread.postMessage({ file, tables } satisfies PageQuestion);
    const [answer] = (await once(thread, 'message')) as [PageAnswer];
    if ('problem' in answer) throw new Error(answer.problem);
    return answer.damage;
  } finally {
    await thread.terminate();
  }
};
