import { z } from 'zod';
import { InvalidInputError } from '#src/core/errors.ts';
import { disParamSchema } from './dis.ts';
import { httpParamSchema } from './http.ts';
import { natsParamSchema } from './nats.ts';
import { obsParamSchema } from './obs.ts';
import { fieldOf, parseParam, sentence } from './param.ts';
import { smnParamSchema } from './smn.ts';

/** What the `param` of every destination must be. */
const paramSchemas = {
  FunctionGraph: z.strictObject({ func_urn: z.string().min(1).max(269) }),
  OBS: obsParamSchema,
  SMN: smnParamSchema,
  DIS: disParamSchema,
  NATS: natsParamSchema,
  HTTP: httpParamSchema,
};

type DestinationKind = keyof typeof paramSchemas;
export type ConfiguredDestination = { destination: DestinationKind; param: string };

const kinds = Object.keys(paramSchemas) as [DestinationKind, ...DestinationKind[]];

const destinationSchema = z.strictObject({
  destination: z.enum(kinds, `must be one of ${kinds.join(', ')}`),
  param: z.union(
    [z.string().max(8_192), z.record(z.string(), z.unknown()).transform((param) => JSON.stringify(param))],
    'must be a text that holds JSON, or an object',
  ),
});

const listSchema = z.array(destinationSchema).max(10, 'must not have more than 10 destinations');

/**
 * The destinations of one outcome as FunctionGraph writes them: one, a list, or none. Their `param` becomes the text that
 * it was, or the JSON text of an object.
 *
 * Throws `InvalidInputError` that names the field, such as `onSuccess[0].param.bucket`.
 */
export function parseDestinations(input: unknown, field = 'destinations'): ConfiguredDestination[] {
  if (input === undefined || input === null) return [];
  const isList = Array.isArray(input);
  const parsed = listSchema.safeParse(isList ? input : [input]);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = issue?.path ?? [];
    throw invalid(fieldOf(field, isList ? path : path.slice(1)), sentence(issue?.message));
  }
  for (const [place, { destination, param }] of parsed.data.entries()) {
    const found = parseParam<unknown>(paramSchemas[destination], param);
    if (found.kind === 'invalid') throw invalid(fieldOf(field, [...(isList ? [place] : []), 'param', ...found.path]), found.problem);
  }
  return parsed.data;
}

function invalid(field: string, problem: string): InvalidInputError {
  return new InvalidInputError({ field, problem });
}
