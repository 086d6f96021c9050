import { z } from 'zod';
import { MAX_SQL_MS, MAX_SQL_ROWS, SQL_MS, SQL_ROWS, sqlAnswerSchema, sqlQuerySchema } from '#src/core/sql-questions.ts';
import type { Gateway } from '../../ports.ts';
import { scopeOf } from '../../scope.ts';
import type { Routes } from '../route.ts';

const bodySchema = z.strictObject({
  sql: sqlQuerySchema.shape.sql,
  limit: z.number().int().min(1).max(MAX_SQL_ROWS).default(SQL_ROWS),
  within_ms: z.number().int().min(1).max(MAX_SQL_MS).default(SQL_MS),
});
const answerSchema = z.object({ columns: sqlAnswerSchema.shape.columns, rows: sqlAnswerSchema.shape.rows, is_cut: z.boolean() });

/** `POST /api/sql`: a query in SQL over the invocations and deliveries of the caller's project. */
export function addSqlRoute(routes: Routes, gateway: Gateway): void {
  routes.add(
    {
      method: 'post',
      path: '/api/sql',
      summary: 'Read-only SQL over the tables invocations and deliveries',
      body: bodySchema,
      answers: { 200: { description: 'the rows', schema: answerSchema } },
    },
    async (call, { body: { sql, limit, within_ms: withinMs } }) => {
      const { filter } = scopeOf(call, gateway);
      const { columns, rows, isCut } = await gateway.client.history.sql({ sql, limit, withinMs, ...filter });
      return call.json({ columns, rows, is_cut: isCut });
    },
  );
}
