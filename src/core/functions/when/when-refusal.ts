import { conditions } from '#machines/facts.ts';

const operators = ['equals', 'in', 'exists', 'less', 'greater'] as const;
type Operator = (typeof operators)[number];

/** What a comparison may look at, and the operators that it may have. */
const subjects = {
  outcome: ['equals', 'in'],
  condition: ['equals', 'in', 'exists'],
  attempts: ['equals', 'in', 'less', 'greater'],
  request: operators,
  response: operators,
} as const satisfies Record<string, readonly Operator[]>;
type Subject = keyof typeof subjects;
export const subjectNames = Object.keys(subjects) as [Subject, ...Subject[]];

/** The values of the subjects that have a closed list. */
const valuesOf: Partial<Record<Subject, readonly string[]>> = { outcome: ['succeeded', 'failed'], condition: Object.keys(conditions) };

const EXAMPLE = '{"of": "response", "path": "$.order.total", "greater": 100}';

/** A part of a `when` whose fields have the right types. */
type Written = { of?: Subject | undefined; path?: string | undefined } & Partial<Record<Operator | 'not' | 'and' | 'or', unknown>>;
type Refusal = { message: string; field?: string };

/** Why a part of a `when` is not exactly one comparison, negation, conjunction or disjunction, and what to write instead. */
export function refuseWhen(when: Written): Refusal | undefined {
  const used = operators.filter((key) => when[key] !== undefined);
  const joined = (['not', 'and', 'or'] as const).filter((key) => when[key] !== undefined);
  if (joined.length > 0) return refuseBeside([...joined, ...used, ...(['of', 'path'] as const).filter((key) => when[key] !== undefined)]);
  const { of } = when;
  if (of === undefined) return { message: `has no "of", which names what is compared; write for example ${EXAMPLE}` };
  return refuseOperators(of, used) ?? refusePath(of, when) ?? refuseValues(of, when);
}

function refuseBeside(keys: readonly string[]): Refusal | undefined {
  if (keys.length === 1) return undefined;
  return { message: `has ${keys.join(' and ')} beside each other; write one of them, and join comparisons by "and" or "or"` };
}

function refuseOperators(of: Subject, used: readonly Operator[]): Refusal | undefined {
  const allowed: readonly Operator[] = subjects[of];
  const [operator, ...others] = used;
  if (operator === undefined || others.length > 0) {
    const found = operator === undefined ? 'no operator' : `the operators ${used.join(' and ')}`;
    return { message: `has ${found}; write one of ${allowed.join(', ')}, for example ${EXAMPLE}` };
  }
  if (allowed.includes(operator)) return undefined;
  return { message: `is no operator of "${of}"; write one of ${allowed.join(', ')}`, field: operator };
}

function refusePath(of: Subject, { path }: Written): Refusal | undefined {
  const isOfPayload = of === 'request' || of === 'response';
  if (isOfPayload && path === undefined) return { message: `has no "path"; write for example ${EXAMPLE}` };
  if (isOfPayload || path === undefined) return undefined;
  return { message: 'must be left out: only request and response have a path', field: 'path' };
}

function refuseValues(of: Subject, { equals, in: list }: Written): Refusal | undefined {
  const known = valuesOf[of];
  const given = Array.isArray(list) ? (list as unknown[]) : equals === undefined ? [] : [equals];
  if (known === undefined || given.every((value) => known.includes(String(value)))) return undefined;
  const message = `is no value of "${of}"; write one of ${known.join(', ')}`;
  return { message, field: list === undefined ? 'equals' : 'in' };
}
