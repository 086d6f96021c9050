import { parentPort } from 'node:worker_threads';
import { messageOf } from '#src/core/errors.ts';
import { findDamage } from '#src/projection/repair/damage.ts';
import { findSqlite } from '#src/projection/store/sqlite.ts';
import type { PageAnswer, PageQuestion } from './page-check-thread.ts';

const open = await findSqlite();

parentPort?.on('message', (question: PageQuestion) => {
  parentPort?.postMessage(answer(question));
});

function answer({ file, tables }: PageQuestion): PageAnswer {
  try {
    for (const table of tables) {
      const damage = findDamage(open, file, table);
      if (damage !== undefined) return { damage };
    }
    return { damage: undefined };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}
