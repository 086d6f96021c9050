import { questions, type questionsOfProjects } from '#src/core/history-questions.ts';
import type { Victim } from './victims.ts';

/** A query of the invocations that name a value. */
const sqlAbout = (value: string): string => `SELECT * FROM invocations WHERE '${value.replaceAll("'", "''")}' IN (id, function)`;

/** The queries over HTTP: the value itself and the invocations that name it, and once for each victim everything. Each one starts a process. */
export function sqlBodies(value: string, { values }: Victim): object[] {
  const everything = ['invocations', 'deliveries'].map((table) => ({ sql: `SELECT * FROM ${table}`, limit: 100, within_ms: 10_000 }));
  return [{ sql: value }, { sql: sqlAbout(value) }, ...(value === values[0] ? everything : [])];
}

/** The questions about a value: one for each field that accepts the value, beside those that the question needs. */
export function queriesAbout(question: (typeof questionsOfProjects)[number], value: string): object[] {
  const { query } = questions[question];
  const needed = [{}, { id: value }, { sql: sqlAbout(value) }].find((asked) => query.safeParse(asked).success) ?? {};
  const fields = Object.keys(query.shape).map((field) => ({ ...needed, [field]: value }));
  return [needed, ...fields].filter((asked) => query.safeParse(asked).success);
}
