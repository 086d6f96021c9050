import type { Hono } from 'hono';
import { z } from 'zod';
import { functionUrn } from '#src/core/envelope.ts';
import { ConflictError } from '#src/core/errors.ts';
import type { FunctionDefinition, RegisteredFunction } from '#src/core/function-definition.ts';
import { parseFunctionUrn } from '#src/core/urn.ts';
import { parseBody } from '../body.ts';
import { HttpError } from '../http-error.ts';
import type { Call, Gateway, GatewayEnv } from '../ports.ts';
import type { AsyncRecord } from '../records.ts';
import { pageOf } from './paging.ts';
import { targetOf } from './reference.ts';
import { inSeconds, UNKNOWN_TIME } from './times.ts';

const text = z.string().min(1);
/** What each kind of target must say in its `param`. */
const params: Readonly<Record<string, z.ZodType>> = {
  OBS: z.object({ bucket: text, expires: z.int().min(0).max(365).optional() }),
  SMN: z.object({ topic_urn: text }),
  DIS: z.object({ stream_name: text }),
  FunctionGraph: z.object({ func_urn: text.refine(isUrn, 'must be a function URN') }),
};

const destinationSchema = z
  .object({ destination: z.enum(['OBS', 'SMN', 'DIS', 'FunctionGraph']), param: z.string() })
  .superRefine(({ destination, param }, context) => {
    const parsed = params[destination]?.safeParse(parseJson(param));
    if (parsed?.success === false)
      context.addIssue({
        code: 'custom',
        path: ['param'],
        message: `is not acceptable for ${destination}: ${z.prettifyError(parsed.error)}`,
      });
  });

const requestSchema = z.object({
  max_async_event_age_in_seconds: z.int().min(1).max(86_400).nullish(),
  max_async_retry_attempts: z.int().min(0).max(3).nullish(),
  destination_config: z.object({ on_success: destinationSchema.nullish(), on_failure: destinationSchema.nullish() }).nullish(),
  enable_async_status_log: z.boolean().nullish(),
});
type AsyncConfigRequest = z.infer<typeof requestSchema>;

const ROUTE = '/v2/:project/fgs/functions/:urn/async-invoke-config';
const TRIES = 5;

/** Show, update, delete and list of the asynchronous configuration: the policy of the definition, in the vendor's words. */
export function addAsyncConfig(app: Hono<GatewayEnv>, gateway: Gateway): void {
  const { client, records, clock, place } = gateway;

  /** A configuration is there when it was made here, or when somebody changed the policy elsewhere. */
  function describe(call: Call, { definition }: RegisteredFunction) {
    const record = records.asyncConfig(definition.name);
    if (record === undefined && isDefault(definition.policy)) return undefined;
    const { maxAgeInSeconds, maxRetries, onSuccess, onFailure } = definition.policy;
    return {
      func_urn: functionUrn({ ...place, project: call.req.param('project') ?? place.project }, definition.name, 'latest'),
      max_async_event_age_in_seconds: maxAgeInSeconds,
      max_async_retry_attempts: maxRetries,
      destination_config: {
        ...(onSuccess[0] === undefined ? {} : { on_success: onSuccess[0] }),
        ...(onFailure[0] === undefined ? {} : { on_failure: onFailure[0] }),
      },
      created_time: record?.created_time ?? UNKNOWN_TIME,
      last_modified: record?.last_modified ?? UNKNOWN_TIME,
      enable_async_status_log: record?.enable_async_status_log ?? false,
    };
  }

  /** Changes the policy of what the definition is now: nobody else's change meanwhile is lost. */
  async function changePolicy(name: string, change: (policy: FunctionDefinition['policy']) => object): Promise<RegisteredFunction> {
    for (let tries = 1; ; tries++) {
      const { definition, revision } = await client.functions.get(name);
      try {
        return await client.functions.put({ ...definition, policy: change(definition.policy) }, revision);
      } catch (error) {
        if (!(error instanceof ConflictError) || tries === TRIES) throw error;
      }
    }
  }

  app.put(ROUTE, async (call) => {
    const { name } = targetOf(call, gateway);
    const request = parseBody(call.get('body'), requestSchema);
    const changed = await changePolicy(name, (policy) => ({ ...policy, ...policyOf(request) }));
    const now = inSeconds(clock.now());
    const record: AsyncRecord = {
      created_time: records.asyncConfig(name)?.created_time ?? now,
      last_modified: now,
      enable_async_status_log: request.enable_async_status_log ?? false,
    };
    await records.putAsyncConfig(name, record);
    return call.json(describe(call, changed));
  });

  app.get(ROUTE, async (call) => {
    const { name } = targetOf(call, gateway);
    const found = describe(call, await client.functions.get(name));
    if (found === undefined) throw notConfigured(name);
    return call.json(found);
  });

  app.delete(ROUTE, async (call) => {
    const { name } = targetOf(call, gateway);
    if (describe(call, await client.functions.get(name)) === undefined) throw notConfigured(name);
    await changePolicy(name, (policy) => ({ ...policy, maxRetries: 0, maxAgeInSeconds: 3_600, onSuccess: [], onFailure: [] }));
    await records.deleteAsyncConfig(name);
    return call.body(null, 204);
  });

  app.get('/v2/:project/fgs/functions/:urn/async-invoke-configs', async (call) => {
    const { name } = targetOf(call, gateway);
    const found = describe(call, await client.functions.get(name));
    const { marker, limit } = pageOf(call, { limit: 'limit', usual: 10, most: 100 });
    const all = found === undefined ? [] : [found];
    const page = all.slice(marker, marker + limit);
    return call.json({
      async_invoke_configs: page,
      count: all.length,
      page_info: {
        next_marker: marker + limit < all.length ? marker + limit : 0,
        previous_marker: Math.max(0, marker - limit),
        current_count: page.length,
      },
    });
  });
}

/** What is left out gets the vendor's default: a PUT replaces the whole. */
function policyOf(request: AsyncConfigRequest): object {
  const { max_async_event_age_in_seconds, max_async_retry_attempts, destination_config } = request;
  return {
    maxAgeInSeconds: max_async_event_age_in_seconds ?? 3_600,
    maxRetries: max_async_retry_attempts ?? 1,
    onSuccess: destination_config?.on_success ? [destination_config.on_success] : [],
    onFailure: destination_config?.on_failure ? [destination_config.on_failure] : [],
  };
}

function isDefault({ maxRetries, maxAgeInSeconds, onSuccess, onFailure }: FunctionDefinition['policy']): boolean {
  return maxRetries === 0 && maxAgeInSeconds === 3_600 && onSuccess.length === 0 && onFailure.length === 0;
}

function notConfigured(name: string): HttpError {
  return new HttpError({ status: 404, message: `function ${name} has no asynchronous configuration` });
}

function isUrn(urn: string): boolean {
  try {
    parseFunctionUrn(urn);
    return true;
  } catch {
    return false;
  }
}

function parseJson(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}
