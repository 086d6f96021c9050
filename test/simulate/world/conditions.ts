import type { Outcome } from '#machines/facts.ts';
import type { PolicyInput } from '#src/core/functions/definition.ts';
import { parseJson } from '#src/core/json/json.ts';

type When = NonNullable<NonNullable<PolicyInput['onSuccess']>[number]['when']>;
type Condition = { when: When; holds: (outcome: Outcome, requestPayload: string) => boolean };

/** The conditions of the destinations of a world. What each one means is written again here, without the code of the roles. */
export const conditions: readonly [Condition, ...Condition[]] = [
  { when: { of: 'attempts', greater: 1 }, holds: ({ attempt }) => attempt > 1 },
  {
    when: { of: 'response', path: '$.attempt', equals: 1 },
    holds: (outcome) => outcome.type === 'succeeded' && fieldOf(outcome.payload, 'attempt') === 1,
  },
  { when: { of: 'request', path: '$.number', less: 50 }, holds: (_, payload) => Number(fieldOf(payload, 'number') ?? 50) < 50 },
  {
    when: { of: 'condition', in: ['EventAgeExceeded', 'InvocationCanceled'] },
    holds: (outcome) => outcome.type === 'failed' && ['EventAgeExceeded', 'InvocationCanceled'].includes(outcome.condition),
  },
  {
    when: { not: { of: 'request', path: '$.does', exists: true } },
    holds: (_, payload) => parseJson(payload) !== undefined && fieldOf(payload, 'does') === undefined,
  },
  {
    when: {
      or: [
        { of: 'attempts', less: 1 },
        { of: 'response', path: '$.attempt', greater: 2 },
      ],
    },
    holds: (outcome) => outcome.attempt < 1 || (outcome.type === 'succeeded' && Number(fieldOf(outcome.payload, 'attempt')) > 2),
  },
];

/** Whether a condition of an outcome holds, by its text in the log. */
export function holdsInWorld(when: string, outcome: Outcome, requestPayload: string): boolean {
  const known = conditions.find((one) => JSON.stringify(one.when) === when);
  if (known === undefined) throw new Error(`no destination of a world has the condition ${when}`);
  return known.holds(outcome, requestPayload);
}

function fieldOf(text: string, field: string): unknown {
  const value = parseJson(text);
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[field] : undefined;
}
