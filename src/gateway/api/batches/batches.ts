import { InvalidInputError } from '#src/core/errors.ts';
import { destinationsSchema } from '#src/core/functions/definition.ts';
import { parseJson } from '#src/core/json/json.ts';
import { newBatchId } from '#src/core/lines/batch-id.ts';
import { isBatchKey, KEY_RULE } from '#src/core/lines/line-key.ts';
import { deliverAtOf } from '#src/core/log/requests/due-time.ts';
import { createConcurrencyLimit } from '#src/gateway/http/concurrency-limit.ts';
import { flowKeyOf } from '../../flow-key.ts';
import { idOfKey } from '../../idempotency.ts';
import type { Call, Gateway } from '../../ports.ts';
import { priorityOf } from '../../priority.ts';
import { checkConnected, isDisabled, refuseDisabled } from '../../refusals.ts';
import { checkTargets, type Scope, scopeOf } from '../../scope.ts';
import { dueOptionsOf } from '../invocations/due-options.ts';
import { batchQuerySchema } from '../invocations/invocation-schemas.ts';
import type { Routes } from '../route.ts';
import { acceptLines } from './accept-lines.ts';

/** How many batches a gateway accepts at one time. Each holds at most {@link IN_FLIGHT} of lines. */
const MAX_BATCHES = 16;
const IN_FLIGHT = { maxItems: 2_000, maxBytes: 4 * 1_024 * 1_024 };
const LIMITS = {
  maxLines: 100_000,
  maxBytes: 1_024 * 1_024 * 1_024,
  idleInMs: 30_000,
  totalInMs: 30 * 60_000,
  inFlight: IN_FLIGHT,
};

/** `POST /api/functions/{name}/batches`: accepts one event for each line of the body, and replies while it accepts. */
export function addBatchRoute(routes: Routes, gateway: Gateway): void {
  // A batch holds its place for minutes, so batches use none of the places of other requests.
  const places = createConcurrencyLimit(MAX_BATCHES, () => gateway.credentials.projects);

  routes.add(
    {
      method: 'post',
      path: '/api/functions/{name}/batches',
      summary: 'Invoke a function once for each line of the body, and reply while the lines are accepted',
      headers: ['Idempotency-Key', 'traceparent', 'Deliver-At', 'Flow-Key', 'Priority'],
      query: batchQuerySchema,
      streams: 'application/x-ndjson',
      answers: { 200: { description: 'JSON lines: accepted lines, wrong lines, and at last the counts', type: 'application/x-ndjson' } },
    },
    async (call, { params, query }) => {
      const scope = scopeOf(call, gateway);
      const name = scope.token(params.name);
      checkConnected(gateway);
      if (isDisabled(gateway, name)) await refuseDisabled(gateway, name);
      const due = dueOptionsOf(call, query);
      if (due.at !== undefined || due.delay !== undefined) deliverAtOf(due, gateway.clock.now());
      const flow = { flowKey: flowKeyOf(call, query.flow_key), priority: priorityOf(call, query.priority) };
      const options = { traceparent: call.req.header('traceparent'), qualifier: query.qualifier, ...flow, ...due };
      const key = keyOf(call, query.key);
      // What concerns every line is refused once, before the body is read.
      await gateway.client.functions.find(name, query.qualifier);
      const onComplete = destinationsIn(query.on_complete, scope);
      const release = places.enter(call.get('project'));
      const id = key === undefined ? newBatchId(gateway.clock.now()) : idOfKey(key, scope, gateway.tenancy);
      const request = await gateway.client.batches.open({ function: name, id, onComplete }).catch((error: unknown) => {
        release();
        throw error;
      });
      return acceptLines(gateway, call, {
        name,
        key,
        id,
        request,
        options,
        scope,
        listsIds: query.ids === true,
        limits: LIMITS,
        onEnd: release,
      });
    },
  );
}

/** The destinations of the outcome of a batch, which must be in the project of the caller. Throws `InvalidInputError`. */
function destinationsIn(text: string | undefined, scope: Scope): unknown {
  if (text === undefined) return [];
  const parsed = destinationsSchema.safeParse(parseJson(text) ?? null);
  if (!parsed.success)
    throw new InvalidInputError({ field: 'on_complete', problem: 'must be a JSON array of destinations, as in a policy' });
  checkTargets(scope, { onSuccess: parsed.data });
  return parsed.data;
}

/** The key of a batch; `undefined` without one. Throws `InvalidInputError`. */
function keyOf(call: Call, inQuery: string | undefined): string | undefined {
  const key = inQuery ?? call.req.header('idempotency-key');
  if (key === undefined || isBatchKey(key)) return key;
  throw new InvalidInputError({ field: inQuery === undefined ? 'Idempotency-Key' : 'key', problem: KEY_RULE });
}
