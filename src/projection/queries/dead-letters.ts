import type { AnswerOf, DeliverySummary } from '#src/core/history-questions.ts';
import type { Database, Row } from '#src/projection/store/sqlite.ts';
import { isInProject } from './projects.ts';

/** The columns of a delivery `d` and its invocation `i`, for {@link toDelivery}. */
export const deliveryColumns = 'i.id, i.function, d.destination, d.kind, d.param, d.state, d.tries, d.due_at, d.reason, d.invocation';

export function toDelivery([id, fn, destination, kind, param, state, tries, dueAt, reason]: Row): DeliverySummary {
  return { id, function: fn, destination, kind, param, state, tries, dueAt, reason } as DeliverySummary;
}

type DeadQuery = { function?: string | undefined; project?: string | undefined; limit: number; cursor?: string | undefined };

/** A page of dead deliveries, newest first. The deliveries of one invocation stay on one page. */
export function readDead(database: Database, { function: fn, project, limit, cursor }: DeadQuery): AnswerOf<'dead'> {
  const inProject = project === undefined ? { sql: '1', values: [] } : isInProject('+i.function', project);
  const rows = database
    .prepare(
      `SELECT ${deliveryColumns} FROM deliveries d JOIN invocations i ON i.seq = d.invocation WHERE d.state = 'dead' AND d.invocation < ? AND (? IS NULL OR +i.function = ?) AND ${inProject.sql} ORDER BY d.invocation DESC LIMIT ?`,
    )
    .all([cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(cursor), fn ?? null, fn ?? null, ...inProject.values, limit]);
  // A full page may end inside its last invocation. It then ends before that invocation, unless the page holds no other.
  const last = rows.length < limit ? undefined : rows.at(-1)?.[9];
  const whole = last === undefined || rows[0]?.[9] === last ? rows : rows.filter((row) => row[9] !== last);
  return { deadLetters: whole.map(toDelivery), cursor: last === undefined ? null : String(whole.at(-1)?.[9]) };
}
