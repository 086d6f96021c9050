import { questions, type questionsOfProjects } from '#src/core/history-questions.ts';
import type { Victim } from './victims.ts';

/** A query of the invocations that name one of these values. */
function sqlAbout(...values: readonly string[]): string {
  return `SELECT * FROM invocations WHERE ${values.map((value) => `'${value.replaceAll("'", "''")}' IN (id, function)`).join(' OR ')}`;
}

/** The queries over HTTP: a value itself, the invocations that name any value, and everything. Each one starts a process, so one names all values. */
export function sqlBodies(value: string, { values }: Victim): object[] {
  if (value !== values[0]) return [];
  const everything = ['invocations', 'deliveries'].map((table) => ({ sql: `SELECT * FROM ${table}`, limit: 100, within_ms: 10_000 }));
  return [{ sql: value }, { sql: sqlAbout(...values) }, ...everything];
}

/** The questions about a value: one for each field that accepts the value, beside those that the question needs. */
export function queriesAbout(question: (typeof questionsOfProjects)[number], value: string, { values }: Victim): object[] {
  const { query } = questions[question];
  if (question === 'sql')
    return value === values[0] ? [{ sql: value }, { sql: sqlAbout(...values) }, { sql: 'SELECT * FROM deliveries' }] : [];
  const needed = [{}, { id: value }].find((asked) => query.safeParse(asked).success) ?? {};
  const fields = Object.keys(query.shape).map((field) => ({ ...needed, [field]: value }));
  return [needed, ...fields].filter((asked) => query.safeParse(asked).success);
}
