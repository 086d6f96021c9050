import { randomUUID } from 'node:crypto';
import type { Hono } from 'hono';
import { z } from 'zod';
import type { Timeline } from '#src/client/client.ts';
import { InvalidInputError, InvocationNotFoundError, TimedOutError } from '#src/core/errors.ts';
import { canBeBrought, derivedId } from '#src/core/ids.ts';
import { parseFunctionName } from '#src/core/names.ts';
import { parseBody, textOf } from '../body.ts';
import { HttpError } from '../http-error.ts';
import type { Room } from '../overload.ts';
import type { Call, Gateway, GatewayEnv } from '../ports.ts';
import { createSharedTurn } from '../shared-turn.ts';
import { findTimeline } from './find-timeline.ts';
import { waitOf } from './prefer.ts';
import { type invocationSchema, redriveRequestSchema } from './schemas.ts';

const MAX_BATCH = 1_000;
const batchSchema = z.array(z.unknown()).min(1).max(MAX_BATCH);

/** Invoking, asking, waiting and running again. */
export function addInvocationRoutes(app: Hono<GatewayEnv>, gateway: Gateway, waiting: Room): void {
  const { client } = gateway;
  const sharedTurn = createSharedTurn();

  app.post('/api/functions/:name/invocations', async (call) => {
    const name = parseFunctionName(call.req.param('name'));
    if (!gateway.isConnected())
      throw new HttpError({ status: 503, message: 'NATS is not connected; nothing was accepted', retryAfterInS: 1 });
    if (call.req.query('batch') !== undefined) return await invokeBatch(call, name, keyOf(call));
    const id = await invokeOne(call, name, keyOf(call));
    call.header('Location', `/api/invocations/${id}`);
    const wait = waitOf(call.req.header('prefer'));
    if (wait === undefined) return call.json({ request_id: id }, 202);
    const timeline = await waitFor(call, id, { wait, isAccepted: true, function: name });
    if (timeline?.envelope === undefined) return call.json({ request_id: id }, 202, { 'Retry-After': '1' });
    return call.json(describe(timeline));
  });

  async function invokeOne(call: Call, name: string, key: string | undefined): Promise<string> {
    const payload = textOf(call.get('body'));
    const known = key === undefined ? undefined : await knownUnder(key, name);
    if (known !== undefined && known.requestPayload !== payload)
      throw new HttpError({ status: 422, message: 'the Idempotency-Key was used before, with another event' });
    const id = key ?? randomUUID();
    await sharedTurn();
    if (known !== undefined) call.header('Idempotency-Replayed', 'true');
    else await client.invokeText(name, payload, { id, ...optionsOf(call) });
    return id;
  }

  async function invokeBatch(call: Call, name: string, key: string | undefined): Promise<Response> {
    const events = parseBody(call.get('body'), batchSchema);
    const invoked =
      key === undefined
        ? await client.invokeMany(name, events, optionsOf(call))
        : await Promise.all(
            events.map((event, place) =>
              client.invokeText(name, JSON.stringify(event), { id: derivedId(`${name}/${key}/${place}`), ...optionsOf(call) }),
            ),
          );
    return call.json({ invocations: invoked.map(({ requestId }) => ({ request_id: requestId })) }, 202);
  }

  /** What was accepted under a key before, as far as the log tells: a repetition that it does not know yet starts nothing either. */
  async function knownUnder(id: string, name: string): Promise<Timeline | undefined> {
    try {
      return await client.timeline(id, { function: name });
    } catch (error) {
      if (error instanceof InvocationNotFoundError) return undefined;
      throw error;
    }
  }

  app.get('/api/invocations/:id', async (call) => {
    const id = call.req.param('id');
    const wait = waitOf(call.req.header('prefer'));
    const timeline = wait === undefined ? undefined : await waitFor(call, id, { wait, isAccepted: false });
    const found = timeline ?? (await findTimeline(gateway, id));
    if (found.envelope === undefined) call.header('Retry-After', '1');
    return call.json(describe(found));
  });

  /** Waits for the outcome; `undefined` when it does not come in time. */
  async function waitFor(
    call: Call,
    id: string,
    { wait, isAccepted, function: name }: { wait: number; isAccepted: boolean; function?: string },
  ): Promise<Timeline | undefined> {
    const leave = waiting.enter();
    call.header('Preference-Applied', `wait=${wait}`);
    const options = name === undefined ? {} : { function: name };
    try {
      // The log may not know yet what was accepted a moment ago: then only the result is heard.
      if (!isAccepted) await findTimeline(gateway, id);
      await client.result(id, { ...options, timeoutInMs: wait * 1_000 });
      return await client.timeline(id, options);
    } catch (error) {
      if (error instanceof TimedOutError || (isAccepted && error instanceof InvocationNotFoundError)) return undefined;
      throw error;
    } finally {
      leave();
    }
  }

  app.get('/api/invocations/:id/events', async (call) => {
    const { transitions } = await findTimeline(gateway, call.req.param('id'));
    return call.json({ events: transitions });
  });

  app.post('/api/invocations/:id/redrive', async (call) => {
    const body = call.get('body');
    const { payload } = body.length === 0 ? {} : parseBody(body, redriveRequestSchema);
    const id = await client.repair.redrive(call.req.param('id'), payload === undefined ? {} : { payload });
    return call.json({ request_id: id }, 202, { Location: `/api/invocations/${id}` });
  });
}

/** The key is the request id, so that whoever knows the key can ask for the invocation. */
function keyOf(call: Call): string | undefined {
  const key = call.req.header('idempotency-key');
  if (key === undefined || canBeBrought(key)) return key;
  throw new InvalidInputError({
    field: 'Idempotency-Key',
    problem: 'must be 1 to 64 letters, digits, "-" or "_", and not of the form that Sequent makes itself',
  });
}

function optionsOf(call: Call): { traceparent?: string; qualifier?: string } {
  const traceparent = call.req.header('traceparent');
  const qualifier = call.req.query('qualifier');
  return { ...(traceparent === undefined ? {} : { traceparent }), ...(qualifier === undefined ? {} : { qualifier }) };
}

function describe({ requestId, function: name, qualifier, state, status, attempts, envelope }: Timeline): z.infer<typeof invocationSchema> {
  return {
    request_id: requestId,
    function: name,
    qualifier,
    state: state as z.infer<typeof invocationSchema>['state'],
    status,
    attempts,
    ...(envelope === undefined
      ? {}
      : {
          result: {
            condition: envelope.request_context.condition,
            payload: envelope.response_payload,
            status_code: envelope.response_context.status_code,
            error: envelope.response_context.function_error,
          },
        }),
  };
}
