import { parseJson } from '#src/core/json/json.ts';
import type { Comparison, When } from './when.ts';

/** A `when` as a person reads it, such as `response $.order.total greater 100`. This file imports no schema, so that the pages load no zod. */
export function whenInWords({ and, or, not, ...comparison }: When): string {
  if (and !== undefined) return and.map(whenInWords).join(' and ');
  if (or !== undefined) return or.map(whenInWords).join(' or ');
  return not === undefined ? comparisonInWords(comparison) : `not ${comparisonInWords(not)}`;
}

/** The `when` of a fact, which is a JSON text, in words. */
export function whenTextInWords(text: string): string {
  const when = parseJson(text) as When | undefined;
  return when === undefined ? text : whenInWords(when);
}

function comparisonInWords({ of = 'outcome', path, exists, ...values }: Comparison): string {
  const subject = path === undefined ? of : `${of} ${path}`;
  if (exists !== undefined) return exists ? `${subject} exists` : `${subject} does not exist`;
  return [subject, ...Object.entries(values).flatMap(([operator, value]) => [operator, JSON.stringify(value)])].join(' ');
}
