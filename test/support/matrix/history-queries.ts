import { questions, type questionsOfProjects } from '#src/core/history-questions.ts';

/** The questions about a value: one for each field that accepts the value, beside those that the question needs. */
export function queriesAbout(question: (typeof questionsOfProjects)[number], value: string): object[] {
  const { query } = questions[question];
  const needed = query.safeParse({}).success ? {} : { id: value };
  const fields = Object.keys(query.shape).map((field) => ({ ...needed, [field]: value }));
  return [needed, ...fields].filter((asked) => query.safeParse(asked).success);
}
