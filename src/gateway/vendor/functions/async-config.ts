import type { Hono } from 'hono';
import { z } from 'zod';
import { LATEST, NO_POLICY, type Policy, type PolicyInput, policySchema } from '#src/core/functions/definition.ts';
import type { FunctionEntry } from '#src/core/functions/entry.ts';
import { parseJson } from '#src/core/json/json.ts';
import { parseFunctionUrn } from '#src/core/names/urn.ts';
import { problemsOf } from '#src/core/text/problems.ts';
import { missingTargetInWords, missingTargets } from '#src/functions/dependents.ts';
import { parseBody } from '#src/gateway/http/bodies/body.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import type { Call, Gateway, GatewayEnv } from '../../ports.ts';
import type { AsyncRecord } from '../../records.ts';
import { checkTargets, scopeOf } from '../../scope.ts';
import { pageOf } from '../paging.ts';
import { type Target, targetOf } from '../reference.ts';
import { inSeconds, UNKNOWN_TIME } from '../times.ts';

const text = z.string().min(1);
/** The required content of `param` for each kind of target. */
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
        message: `is not acceptable for ${destination}: ${problemsOf(parsed.error)}`,
      });
  });

const requestSchema = z.object({
  max_async_event_age_in_seconds: policySchema.shape.maxAgeInSeconds.unwrap().nullish(),
  max_async_retry_attempts: policySchema.shape.maxRetries.unwrap().nullish(),
  destination_config: z.object({ on_success: destinationSchema.nullish(), on_failure: destinationSchema.nullish() }).nullish(),
  enable_async_status_log: z.boolean().nullish(),
  log_group_id: z.string().max(64).nullish(),
  log_group_name: z.string().max(64).nullish(),
  log_stream_id: z.string().max(64).nullish(),
  log_stream_name: z.string().max(64).nullish(),
});
type AsyncConfigRequest = z.infer<typeof requestSchema>;

const ROUTE = '/v2/:project/fgs/functions/:urn/async-invoke-config';

/** Shows, updates, deletes and lists asynchronous configurations: the policy of a version or alias in the vendor's shape. */
export function addAsyncConfig(app: Hono<GatewayEnv>, gateway: Gateway): void {
  const { client, records, clock } = gateway;

  app.put(ROUTE, async (call) => {
    const { name, qualifier } = await targetOf(call, gateway);
    const request = parseBody(call.get('body'), requestSchema);
    const changes = policyOf(request);
    checkTargets(scopeOf(call, gateway), changes);
    const changed = await client.functions.changePolicy(name, qualifier, (policy) => ({ ...policy, ...changes }));
    const now = inSeconds(clock.now());
    const record: AsyncRecord = {
      ...logOf(request),
      created_time: timesOf(gateway, changed, qualifier)?.created_time ?? now,
      last_modified: now,
    };
    await records.putAsyncConfig(name, qualifier, record);
    await warnOfMissingTargets(call, gateway, { name, qualifier });
    return call.json(viewAsyncConfig(call, gateway, { entry: changed, qualifier }));
  });

  app.get(ROUTE, async (call) => {
    const { name, qualifier } = await targetOf(call, gateway);
    return call.json(expectConfig(call, await client.functions.get(name), qualifier));
  });

  app.delete(ROUTE, async (call) => {
    const { name, qualifier } = await targetOf(call, gateway);
    expectConfig(call, await client.functions.get(name), qualifier);
    const deleteRecord = await records.asyncConfigDeletionOf(name, qualifier);
    // `backoff` and `allowCycle` are kept, because the vendor's API does not contain them.
    await client.functions.changePolicy(name, qualifier, ({ backoff, allowCycle }) =>
      qualifier.startsWith('!') ? undefined : { ...NO_POLICY, backoff, allowCycle },
    );
    await deleteRecord();
    return call.body(null, 204);
  });

  app.get('/v2/:project/fgs/functions/:urn/async-invoke-configs', async (call) => {
    const { name } = await targetOf(call, gateway);
    const entry = await client.functions.get(name);
    const { marker, limit } = pageOf(call, { limit: 'limit', default: 10, max: 100 });
    const qualifiers = [LATEST, ...entry.versions.map(({ version }) => version), ...entry.aliases.map((alias) => `!${alias.name}`)];
    const all = qualifiers
      .map((qualifier) => viewAsyncConfig(call, gateway, { entry, qualifier }))
      .filter((config) => config !== undefined);
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

  function expectConfig(call: Call, entry: FunctionEntry, qualifier: string) {
    const found = viewAsyncConfig(call, gateway, { entry, qualifier });
    if (found !== undefined) return found;
    const name = scopeOf(call, gateway).nameOf(entry.definition.name);
    throw new HttpError({ status: 404, message: `${name}:${qualifier} has no asynchronous configuration` });
  }
}

/**
 * The vendor accepts a URN of a function that does not exist yet, so that clients such as Terraform may create functions in any order. The
 * answer is the vendor's, with a header that names the missing function (SRC5).
 */
async function warnOfMissingTargets(call: Call, gateway: Gateway, changed: Pick<Target, 'name' | 'qualifier'>): Promise<void> {
  const missing = missingTargets(await gateway.client.functions.list(), scopeOf(call, gateway).nameOf);
  for (const one of missing) {
    if (one.name !== changed.name || one.qualifier !== changed.qualifier) continue;
    call.header('Warning', `299 sequent "${missingTargetInWords(one)}"`, { append: true });
  }
}

/**
 * The asynchronous configuration of a version, or of an alias with a configuration of its own. It exists if this API created it, or if
 * the policy differs from the default policy.
 */
export function viewAsyncConfig(call: Call, gateway: Gateway, { entry, qualifier }: { entry: FunctionEntry; qualifier: string }) {
  const policy = ownPolicy(entry, qualifier);
  const record = timesOf(gateway, entry, qualifier);
  if (policy === undefined || (record === undefined && isDefault(policy))) return undefined;
  const { maxAgeInSeconds, maxRetries, onSuccess, onFailure } = policy;
  return {
    func_urn: scopeOf(call, gateway).urnOf(entry.definition.name, qualifier),
    max_async_event_age_in_seconds: maxAgeInSeconds,
    max_async_retry_attempts: maxRetries,
    destination_config: {
      ...(onSuccess[0] === undefined ? {} : { on_success: targetIn(onSuccess[0]) }),
      ...(onFailure[0] === undefined ? {} : { on_failure: targetIn(onFailure[0]) }),
    },
    created_time: UNKNOWN_TIME,
    last_modified: UNKNOWN_TIME,
    enable_async_status_log: false,
    ...record,
  };
}

/** The vendor's API has no `when`. */
function targetIn({ destination, param }: Policy['onSuccess'][number]): Pick<Policy['onSuccess'][number], 'destination' | 'param'> {
  return { destination, param };
}

function ownPolicy({ definition, versions, aliases }: FunctionEntry, qualifier: string): Policy | undefined {
  if (qualifier === LATEST) return definition.policy;
  if (qualifier.startsWith('!')) return aliases.find(({ name }) => name === qualifier.slice(1))?.policy;
  return versions.find(({ version }) => version === qualifier)?.definition.policy;
}

/** The record of a configuration. A published version inherits the record of `latest` until it has a configuration of its own. */
function timesOf({ records }: Gateway, entry: FunctionEntry, qualifier: string): AsyncRecord | undefined {
  const { name } = entry.definition;
  const policy = ownPolicy(entry, qualifier);
  const isInherited = !qualifier.startsWith('!') && policy !== undefined && !isDefault(policy);
  return records.asyncConfig(name, qualifier) ?? (isInherited ? records.asyncConfig(name, LATEST) : undefined);
}

/** The policy of a request. A field that is left out becomes the vendor's default, because a PUT replaces the whole configuration. */
function policyOf(
  request: AsyncConfigRequest,
): Pick<PolicyInput, 'maxAgeInSeconds' | 'maxRetries'> & Pick<Policy, 'onSuccess' | 'onFailure'> {
  const { max_async_event_age_in_seconds, max_async_retry_attempts, destination_config } = request;
  return {
    maxAgeInSeconds: max_async_event_age_in_seconds ?? 3_600,
    maxRetries: max_async_retry_attempts ?? 1,
    onSuccess: destination_config?.on_success ? [destination_config.on_success] : [],
    onFailure: destination_config?.on_failure ? [destination_config.on_failure] : [],
  };
}

function logOf({ enable_async_status_log, ...request }: AsyncConfigRequest): Omit<AsyncRecord, 'created_time' | 'last_modified'> {
  const { log_group_id, log_group_name, log_stream_id, log_stream_name } = request;
  const named = Object.entries({ log_group_id, log_group_name, log_stream_id, log_stream_name }).filter(
    ([, value]) => typeof value === 'string',
  );
  return { enable_async_status_log: enable_async_status_log ?? false, ...Object.fromEntries(named) };
}

function isDefault({ maxRetries, maxAgeInSeconds, onSuccess, onFailure }: Policy): boolean {
  return maxRetries === 0 && maxAgeInSeconds === 3_600 && onSuccess.length === 0 && onFailure.length === 0;
}

function isUrn(urn: string): boolean {
  try {
    parseFunctionUrn(urn);
    return true;
  } catch {
    return false;
  }
}
