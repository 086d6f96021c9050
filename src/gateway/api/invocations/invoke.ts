import { z } from 'zod';
import type { InvokeOptions } from '#src/client/invoke/invoke.ts';
import { UnknownOutcomeError } from '#src/core/errors.ts';
import { elementTexts } from '#src/core/json/json-parts.ts';
import type { DueOptions } from '#src/core/log/requests/due-time.ts';
import { keyedId } from '#src/core/names/ids.ts';
import { checkContent, expectJson, largeTextOf } from '#src/gateway/http/bodies/body.ts';
import { EVENTS_BOUNDS } from '#src/gateway/http/bodies/json-scan.ts';
import type { ConcurrencyLimit } from '#src/gateway/http/concurrency-limit.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import { setReplyHeader } from '#src/gateway/http/reply-header.ts';
import { createSharedTurn } from '#src/gateway/http/shared-turn.ts';
import { flowKeyOf } from '../../flow-key.ts';
import { createIdempotency, type Idempotency, type IdempotencyKey, idempotencyKeyOf, keyToRepeat } from '../../idempotency.ts';
import type { Call, Gateway } from '../../ports.ts';
import { priorityOf } from '../../priority.ts';
import { checkConnected, isDisabled, refuseDisabled } from '../../refusals.ts';
import { scopeOf } from '../../scope.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import type { Routes } from '../route.ts';
import { dueOptionsOf } from './due-options.ts';
import { acceptedSchema, batchAcceptedSchema, invocationSchema, invokeQuerySchema } from './invocation-schemas.ts';
import { viewOf } from './invocation-view.ts';
import { waitOf } from './prefer.ts';
import { type OutcomeWait, waitForAccepted } from './wait-for-outcome.ts';

const MAX_BATCH = 1_000;
const MAX_BATCH_CONCURRENCY = 64;
const batchSchema = z.array(z.unknown()).min(1).max(MAX_BATCH);

type Accepting = OutcomeWait & { sharedTurn: () => Promise<void>; idempotency: Idempotency };
type Invocation = {
  name: string;
  key: IdempotencyKey;
  options: { traceparent: string | undefined; qualifier: string | undefined; flowKey: string | undefined } & Pick<
    InvokeOptions,
    'priority'
  > &
    DueOptions;
};

/** `POST /api/functions/{name}/invocations`: accepts one event, or a batch, and optionally waits for the result. */
export function addInvokeRoute(routes: Routes, gateway: Gateway, waiting: ConcurrencyLimit): void {
  const sharedTurn = createSharedTurn();
  const accepting: Accepting = { gateway, waiting, sharedTurn, idempotency: createIdempotency(gateway, sharedTurn) };

  routes.add(
    {
      method: 'post',
      path: '/api/functions/{name}/invocations',
      summary: 'Invoke a function with the body as its event, or with ?batch once for each element of an array',
      headers: ['Idempotency-Key', 'Prefer', 'traceparent', 'Deliver-At', 'Flow-Key', 'Priority'],
      query: invokeQuerySchema,
      answers: {
        202: { description: 'accepted and durable', schema: z.union([acceptedSchema, batchAcceptedSchema]) },
        200: { description: 'the invocation with its result, if the result arrived within the preferred wait', schema: invocationSchema },
      },
    },
    async (call, { params, query }) => {
      const scope = scopeOf(call, gateway);
      const name = scope.token(params.name);
      checkConnected(gateway);
      if (isDisabled(gateway, name)) await refuseDisabled(gateway, name);
      const invocation = {
        name,
        key: idempotencyKeyOf(call, scope, gateway),
        options: {
          traceparent: call.req.header('traceparent'),
          qualifier: query.qualifier,
          flowKey: flowKeyOf(call, query.flow_key),
          priority: priorityOf(call, query.priority),
          ...dueOptionsOf(call, query),
        },
      };
      if (query.batch) return await invokeBatch(accepting, call, invocation);
      const id = await invokeOne(accepting, call, invocation);
      setReplyHeader(call, 'Location', `/api/invocations/${id}`);
      const waitInS = waitOf(call.req.header('prefer'));
      if (waitInS === undefined) return call.json({ request_id: id }, 202);
      const timeline = await waitForAccepted(accepting, call, { id, function: name, waitInS });
      if (timeline?.envelope === undefined) return call.json({ request_id: id }, 202, { 'Retry-After': '1' });
      return call.json(viewOf(timeline, scope));
    },
  );
}

async function invokeOne({ gateway, sharedTurn, idempotency }: Accepting, call: Call, { name, key, options }: Invocation): Promise<string> {
  const text = largeTextOf(call);
  const payload = typeof text === 'string' ? text : await text;
  try {
    if (!key.isGiven) {
      await sharedTurn();
      const { requestId, traceparent } = await gateway.client.invokeTogether(name, payload, { ...options, id: key.id });
      if (traceparent !== undefined && traceparent !== options.traceparent) call.header('traceparent', traceparent);
      return requestId;
    }
    const { id, isRepeated } = await idempotency.accept({ name, ...key, payload, options });
    if (isRepeated) call.header('Idempotency-Replayed', 'true');
    return id;
  } catch (cause) {
    if (!(cause instanceof UnknownOutcomeError)) throw cause;
    const retryKey = keyToRepeat(key, cause);
    const message = `it is unknown whether request ${cause.id} was accepted; the same request with "Idempotency-Key: ${retryKey}" starts nothing twice`;
    throw new HttpError({ status: 504, message, retryAfterInS: 1, retryKey }, { cause });
  }
}

async function invokeBatch(accepting: Accepting, call: Call, invocation: Invocation): Promise<Response> {
  const text = await largeTextOf(call, EVENTS_BOUNDS);
  await expectJson(call, text);
  // The events are sent as they were written: numbers beyond 2^53 would change if they were parsed.
  const isArray = /^\s*\[/.test(text);
  const payloads = isArray ? elementTexts(text) : [];
  checkContent(isArray ? payloads : {}, batchSchema);
  const ids = invocation.key.isGiven
    ? await acceptKeyedBatch(accepting, call, { ...invocation, payloads })
    : await acceptBatch(accepting, { ...invocation, payloads });
  return call.json({ invocations: ids.map((id) => ({ request_id: id })) }, 202);
}

type Batch = Invocation & { payloads: readonly string[] };

async function acceptBatch({ gateway: { client } }: Accepting, { name, payloads, options }: Batch): Promise<string[]> {
  try {
    const ids: string[] = [];
    for (const group of groupsOf(payloads)) for (const { requestId } of await client.invokeTexts(name, group, options)) ids.push(requestId);
    return ids;
  } catch (cause) {
    if (!(cause instanceof UnknownOutcomeError)) throw cause;
    const message =
      'it is unknown which of these events were accepted; with an Idempotency-Key the batch could be repeated without starting anything twice';
    throw new HttpError({ status: 504, message }, { cause });
  }
}

/** The events of a group are sent in one turn of the event loop, and share messages. */
const GROUP_LENGTH = 262_144;

function* groupsOf(payloads: readonly string[]): Generator<string[]> {
  let group: string[] = [];
  let length = 0;
  for (const payload of payloads) {
    if (length > 0 && length + payload.length > GROUP_LENGTH) {
      yield group;
      group = [];
      length = 0;
    }
    group.push(payload);
    length += payload.length;
  }
  yield group;
}

async function acceptKeyedBatch({ idempotency }: Accepting, call: Call, { name, key, payloads, options }: Batch): Promise<string[]> {
  const requests = payloads.map((payload, index) => ({
    name,
    id: keyedId(`${name}/${key.text}/${index}`),
    payload,
    options,
  }));
  // The first request is accepted alone: it decides whether the key was used for other events, before any other one is accepted.
  const first = await mapConcurrently(requests.slice(0, 1), idempotency.accept);
  const others = await mapConcurrently(requests.slice(1), idempotency.accept, MAX_BATCH_CONCURRENCY);
  if ([...first, ...others].every(({ isRepeated }) => isRepeated)) call.header('Idempotency-Replayed', 'true');
  return requests.map(({ id }) => id);
}
