import { z } from 'zod';
import { functionDefinitionSchema } from '#src/core/function-definition.ts';

/** What the own API says, as data: the routes answer with these shapes, and `/openapi.json` is made from them. */

export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  invocation_id: z.string().optional(),
});

export const invocationSchema = z.object({
  request_id: z.string(),
  function: z.string(),
  qualifier: z.string(),
  state: z.enum(['queued', 'running', 'retrying', 'succeeded', 'failed', 'notified']),
  status: z.enum(['WAIT', 'RUNNING', 'SUCCESS', 'FAIL', 'DISCARD']),
  attempts: z.int(),
  result: z
    .object({
      condition: z.string().describe('empty for a success'),
      payload: z.string().describe('what the function returned, or the error as JSON text'),
      status_code: z.int(),
      error: z.string(),
    })
    .optional(),
});

export const acceptedSchema = z.object({ request_id: z.string() });
export const batchAcceptedSchema = z.object({ invocations: z.array(acceptedSchema) });
export const eventsSchema = z.object({
  events: z.array(
    z.object({ sequence: z.int(), by: z.string(), fact: z.looseObject({ type: z.string(), invocation: z.string(), at: z.number() }) }),
  ),
});
export const redriveRequestSchema = z.strictObject({ payload: z.string().optional() });
export const registeredFunctionSchema = z.object({ definition: functionDefinitionSchema, revision: z.int() });
export const functionsSchema = z.object({ functions: z.array(registeredFunctionSchema) });
