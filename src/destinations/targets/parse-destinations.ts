import { z } from 'zod';
import { InvalidInputError } from '#src/core/errors.ts';
import { httpParamSchema } from './http.ts';
import { disParamSchema } from './huawei/dis.ts';
import { obsParamSchema } from './huawei/obs.ts';
import { smnParamSchema } from './huawei/smn.ts';
import { natsParamSchema } from './nats.ts';
import { fieldOf, parseParam, predicateOf } from './param.ts';

/** The schema of `param`, by kind. */
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
 * Parses the destinations of one outcome: one, a list, or none. A `param` that is an object becomes its JSON text.
 *
 * Throws `InvalidInputError` with the name of the field, such as `onSuccess[0].param.bucket`.
 */
export function parseDestinations(input: unknown, field = 'destinations'): ConfiguredDestination[] {
  if (input === undefined || input === null) return [];
  const isList = Array.isArray(input);
  const parsed = listSchema.safeParse(isList ? input : [input]);
  // A single destination was put into a list, so the path of a problem does not name its index.
  const invalid = (path: readonly PropertyKey[], problem: string): InvalidInputError =>
    new InvalidInputError({ field: fieldOf(field, isList ? path : path.slice(1)), problem });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(issue?.path ?? [], predicateOf(issue?.message));
  }
  for (const [index, { destination, param }] of parsed.data.entries()) {
    const found = parseParam<unknown>(paramSchemas[destination], param);
    if (found.kind === 'invalid') throw invalid([index, 'param', ...found.path], found.problem);
  }
  return parsed.data;
}
