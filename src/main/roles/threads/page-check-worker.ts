import { parentPort } from 'node:worker_threads';
import { messageOf } from '#src/core/errors.ts';
import { findDamage } from '#src/projection/repair/damage.ts';
import { findSqlite } from '#src/projection/store/sqlite.ts';
import type { PageAnswer, PageQuestion } from './page-check-thread.ts';

const open = await findSqlite();

parentPort?.on('message', ({ file, table }: PageQuestion) => {
  parentPort?.postMessage(answer(file, table));
});

function answer(file: string, table: string): PageAnswer {
  try {
    return { damage: findDamage(open, file, table) };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}
