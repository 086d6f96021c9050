import { z } from 'zod';
import type { Timeline } from '#src/client/client.ts';
import { InvocationNotFoundError, TimedOutError, UnknownOutcomeError } from '#src/core/errors.ts';
import { derivedId } from '#src/core/names/ids.ts';
import { parseBody, textOf } from '#src/gateway/http/body.ts';
import type { ConcurrencyLimit } from '#src/gateway/http/concurrency-limit.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import { setReplyHeader } from '#src/gateway/http/reply-header.ts';
import { createSharedTurn } from '#src/gateway/http/shared-turn.ts';
import { isDisabled, refuseDisabled } from '../disabled.ts';
import { createIdempotency, idempotencyKeyOf, type Key } from '../idempotency.ts';
import type { Call, Gateway } from '../ports.ts';
import { scopeOf } from '../scope.ts';
import { inTurns } from './bulk.ts';
import { findTimeline, timelineAt } from './find-timeline.ts';
import { eventsOf, viewOf } from './invocation-view.ts';
import { waitOf } from './prefer.ts';
import type { Routes } from './route.ts';
import {
  acceptedSchema,
  batchAcceptedSchema,
  eventsSchema,
  invocationQuerySchema,
  invocationSchema,
  invokeQuerySchema,
  toldSchema,
} from './schemas/invocations.ts';

const MAX_BATCH = 1_000;
const ACCEPTED_AT_ONCE = 64;
const batchSchema = z.array(z.unknown()).min(1).max(MAX_BATCH);

/** Invoking, asking and waiting. */
export function addInvocationRoutes(routes: Routes, gateway: Gateway, waiting: ConcurrencyLimit): void {
  const { client } = gateway;
  const sharedTurn = createSharedTurn();
  const idempotency = createIdempotency(gateway, sharedTurn);

  routes.add(
    {
      method: 'post',
      path: '/api/functions/{name}/invocations',
      summary: 'Invoke a function with the body as its event, or with ?batch once for each element of an array',
      headers: ['Idempotency-Key', 'Prefer', 'traceparent'],
      query: invokeQuerySchema,
      answers: {
        202: { description: 'accepted, and durable', schema: z.union([acceptedSchema, batchAcceptedSchema]) },
        200: { description: 'its result, if it came while the caller preferred to wait', schema: invocationSchema },
      },
    },
    async (call, { params, query }) => {
      const scope = scopeOf(call, gateway);
      const name = scope.token(params.name);
      if (!gateway.isConnected())
        throw new HttpError({ status: 503, message: 'NATS is not connected; nothing was accepted', retryAfterInS: 1 });
      if (isDisabled(gateway, name)) await refuseDisabled(gateway, name);
      const order = {
        name,
        key: idempotencyKeyOf(call, scope, gateway),
        options: { traceparent: call.req.header('traceparent'), qualifier: query.qualifier },
      };
      if (query.batch) return await invokeBatch(call, order);
      const id = await invokeOne(call, order);
      setReplyHeader(call, 'Location', `/api/invocations/${id}`);
      const wait = waitOf(call.req.header('prefer'));
      if (wait === undefined) return call.json({ request_id: id }, 202);
      const timeline = await waitFor(call, id, { wait, isAccepted: true, function: name });
      if (timeline?.envelope === undefined) return call.json({ request_id: id }, 202, { 'Retry-After': '1' });
      return call.json(viewOf(timeline, scope));
    },
  );

  async function invokeOne(call: Call, { name, key, options }: InvokeOptions): Promise<string> {
    const payload = textOf(call.get('body'));
    const order = { name, id: key.id, payload, options };
    try {
      if (!key.isGiven) {
        await sharedTurn();
        const { traceparent } = await client.invokeText(name, payload, { ...options, id: key.id });
        if (traceparent !== undefined && traceparent !== options.traceparent) call.header('traceparent', traceparent);
      } else if ((await idempotency.accept(order)).isRepeated) call.header('Idempotency-Replayed', 'true');
      return key.id;
    } catch (cause) {
      if (!(cause instanceof UnknownOutcomeError)) throw cause;
      const message = `it is unknown whether request ${key.id} was accepted; the same with "Idempotency-Key: ${key.text}" starts nothing twice`;
      throw new HttpError({ status: 504, message, retryAfterInS: 1, retryKey: key.text }, { cause });
    }
  }

  async function invokeBatch(call: Call, { name, key, options }: InvokeOptions): Promise<Response> {
    const events = parseBody(call.get('body'), batchSchema);
    if (!key.isGiven) {
      const invoked = await client.invokeMany(name, events, options).catch((cause: unknown) => {
        if (!(cause instanceof UnknownOutcomeError)) throw cause;
        const message =
          'it is unknown which of these were accepted; a batch with an Idempotency-Key could now be repeated, and would start nothing twice';
        throw new HttpError({ status: 504, message }, { cause });
      });
      return call.json({ invocations: invoked.map(({ requestId }) => ({ request_id: requestId })) }, 202);
    }
    const orders = events.map((event, place) => ({
      name,
      id: derivedId(`${name}/${key.text}/${place}`),
      payload: JSON.stringify(event),
      options,
    }));
    // The first decides whether the key was used for other events, before anything else begins.
    const first = await inTurns(orders.slice(0, 1), idempotency.accept);
    const results = [...first, ...(await inTurns(orders.slice(1), idempotency.accept, ACCEPTED_AT_ONCE))];
    if (results.every(({ isRepeated }) => isRepeated)) call.header('Idempotency-Replayed', 'true');
    return call.json({ invocations: orders.map(({ id }) => ({ request_id: id })) }, 202);
  }

  routes.add(
    {
      method: 'get',
      path: '/api/invocations/{id}',
      summary: 'One invocation: its state, its result, and all that is known of it',
      headers: ['Prefer'],
      query: invocationQuerySchema,
      answers: { 200: { description: 'the invocation', schema: toldSchema } },
    },
    async (call, { params: { id }, query: { include, at: moment } }) => {
      const scope = scopeOf(call, gateway);
      const wait = waitOf(call.req.header('prefer'));
      const timeline = wait === undefined ? undefined : await waitFor(call, id, { wait, isAccepted: false });
      const known = timeline ?? (await findTimeline(gateway, scope, id));
      const found = moment === undefined ? known : await timelineAt(gateway, known, moment);
      if (found.envelope === undefined) call.header('Retry-After', '1');
      return call.json({ ...viewOf(found, scope), ...(include === undefined ? {} : { events: eventsOf(found) }) });
    },
  );

  /** Waits for the outcome; `undefined` when it does not come in time. */
  async function waitFor(
    call: Call,
    id: string,
    { wait, isAccepted, function: name }: { wait: number; isAccepted: boolean; function?: string },
  ): Promise<Timeline | undefined> {
    const leave = waiting.enter(call.get('project'));
    call.header('Preference-Applied', `wait=${wait}`);
    const options = name === undefined ? {} : { function: name };
    try {
      // The log may not know yet what was accepted a moment ago: then only the result is heard.
      if (!isAccepted) {
        const known = await findTimeline(gateway, scopeOf(call, gateway), id);
        if (known.envelope !== undefined) return known;
      }
      await client.result(id, { ...options, timeoutInMs: wait * 1_000 });
      return await client.timeline(id, options);
    } catch (error) {
      if (error instanceof TimedOutError || (isAccepted && error instanceof InvocationNotFoundError)) return undefined;
      throw error;
    } finally {
      leave();
    }
  }

  routes.add(
    {
      method: 'get',
      path: '/api/invocations/{id}/events',
      summary: 'Everything that happened to it, with the state after each transition',
      answers: { 200: { description: 'the events, in order', schema: eventsSchema } },
    },
    async (call, { params: { id } }) => {
      const scope = scopeOf(call, gateway);
      const timeline = await findTimeline(gateway, scope, id);
      return call.json({ request_id: id, function: scope.nameOf(timeline.function), events: eventsOf(timeline) });
    },
  );
}

type InvokeOptions = { name: string; key: Key; options: { traceparent: string | undefined; qualifier: string | undefined } };
