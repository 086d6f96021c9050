import { z } from 'zod';

type Issue = z.core.$ZodIssue;

/** How many mistakes are named: a hostile value can have as many as bytes, and the text goes into answers and into the log. */
const MAX_PROBLEMS = 3;
const MAX_SHOWN = 64;

/** The mistakes in a given value, as sentences. Each sentence names a field and the requirement of the field. No sentence repeats a value. */
export function problemsOf({ issues }: Pick<z.ZodError, 'issues'>): string {
  const named = issues.slice(0, MAX_PROBLEMS).map((issue) => problemOf(issue));
  return [...named, ...(issues.length > named.length ? [`and ${issues.length - named.length} more`] : [])].join('; ');
}

/** One mistake as a sentence about its field. `whole`: what the value is called when the mistake is in no field of it. */
export function problemOf(issue: Issue, whole = 'it'): string {
  const subject = issue.path.length === 0 ? whole : shortened(z.core.toDotPath(issue.path), 3 * MAX_SHOWN);
  return `${subject}${isPredicate(requirementOf(issue)) ? ' ' : ': '}${requirementOf(issue)}`;
}

/** One mistake as the predicate of a sentence whose subject is a field. */
export function predicateOf(issue: Issue): string {
  const requirement = requirementOf(issue);
  return isPredicate(requirement) ? requirement : `is not valid: ${requirement}`;
}

/** Whether the words continue a sentence whose subject is the field. Others are a sentence of their own. */
const isPredicate = (requirement: string): boolean => /^(?:must|is|are|needs?|has|have|cannot|of) /.test(requirement);

/** What a field must be. A schema with a message of its own says it in these words already. */
export function requirementOf(issue: Issue): string {
  return isOfValidator(issue.message) ? inWords(issue) : shortened(issue.message, 1_000);
}

/** zod's own messages begin with these words; it does not say otherwise whether a message is of the schema. */
const isOfValidator = (message: string): boolean => /^(?:Invalid |Too (?:small|big):|Unrecognized keys?:)/.test(message);

function inWords(issue: Issue): string {
  switch (issue.code) {
    case 'too_small':
    case 'too_big':
      return boundOf(issue);
    case 'invalid_type':
      return `must be ${names[issue.expected] ?? withArticle(issue.expected)}`;
    case 'invalid_value':
      return oneOf(issue.values);
    case 'unrecognized_keys':
      return `has no field ${listed(issue.keys)}`;
    case 'invalid_format':
      return `has a form that is not allowed`;
    case 'invalid_key':
    case 'invalid_element':
      return issue.issues[0] === undefined ? 'is not allowed' : requirementOf(issue.issues[0]);
    case 'invalid_union':
      return ofUnion(issue);
    default:
      return 'is not acceptable';
  }
}

const oneOf = (values: readonly unknown[]): string => `must be ${values.length === 1 ? '' : 'one of: '}${values.map(String).join(', ')}`;

/** What one of several forms must be. Forms that differ in their kind alone are named; the fields of others would be too many. */
function ofUnion(issue: z.core.$ZodIssueInvalidUnion): string {
  const { errors, discriminator } = issue;
  if ('options' in issue && issue.options !== undefined && discriminator !== undefined)
    return `must be one of: ${issue.options.join(', ')}`;
  if (errors.length === 1 && errors[0]?.[0] !== undefined) return requirementOf(errors[0][0]);
  const kinds = new Set(
    errors.map(([first, ...more]) => (first?.path.length === 0 && more.length === 0 ? requirementOf(first) : undefined)),
  );
  if (kinds.size > 0 && !kinds.has(undefined)) return [...kinds].join(', or ');
  return 'has none of the allowed forms';
}

function boundOf(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  const [bound, within, beyond] =
    issue.code === 'too_small' ? [issue.minimum, 'at least', 'more than'] : [issue.maximum, 'at most', 'less than'];
  const text = `${issue.exact ? 'exactly' : issue.inclusive === false ? beyond : within} ${bound}`;
  if (['array', 'set', 'map', 'object'].includes(issue.origin)) return `must have ${text} ${counted('entry', 'entries', bound)}`;
  if (issue.origin !== 'string') return `must be ${text}`;
  return text === 'at least 1' ? 'must not be empty' : `must have ${text} ${counted('character', 'characters', bound)}`;
}

const counted = (one: string, several: string, count: number | bigint): string => (Number(count) === 1 ? one : several);

/** Plain words for types that the validator names in its own way. */
const names: Readonly<Record<string, string>> = {
  int: 'a whole number',
  tuple: 'an array',
  record: 'an object',
  null: 'null',
  undefined: 'left out',
  never: 'left out',
  nonoptional: 'given',
};

const withArticle = (type: string): string => (/^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`);

function listed(keys: readonly string[]): string {
  const shown = keys.slice(0, MAX_PROBLEMS).map((key) => `"${shortened(key, MAX_SHOWN)}"`);
  return shown.join(', ') + (keys.length > shown.length ? ` and ${keys.length - shown.length} more` : '');
}

const shortened = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most)}…` : text);
