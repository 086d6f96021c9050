import { randomUUID } from 'node:crypto';
import type { Hono } from 'hono';
import { MAX_PAYLOAD_BYTES } from '#machines/facts.ts';
import { InvalidInputError, UnknownOutcomeError } from '#src/core/errors.ts';
import { canBeBrought } from '#src/core/ids.ts';
import type { FunctionName } from '#src/core/names.ts';
import { textOf } from '../body.ts';
import { HttpError } from '../http-error.ts';
import type { Room } from '../overload.ts';
import type { Call, Gateway, GatewayEnv } from '../ports.ts';
import { createSharedTurn } from '../shared-turn.ts';
import { targetOf } from './reference.ts';
import { syncReply } from './sync-reply.ts';

const MEMORY_SIZES = new Set('128 256 512 768 1024 1280 1536 1792 2048 2560 3072 3584 4096 8192 10240'.split(' '));

/** `asyncInvokeFunction` and `invokeFunction`. */
export function addInvocations(app: Hono<GatewayEnv>, gateway: Gateway, waiting: Room): void {
  const { client, limits } = gateway;
  const sharedTurn = createSharedTurn();

  async function accept(call: Call) {
    const { name, qualifier } = await targetOf(call, gateway);
    const memory = call.req.header('x-cff-instance-memory');
    if (memory !== undefined && memory !== '' && !MEMORY_SIZES.has(memory))
      throw new HttpError({ status: 400, vendorCode: 'FSS.1007', message: 'X-Cff-Instance-Memory is none of the sizes' });
    const payload = eventOf(call.get('body'));
    if (!gateway.isConnected())
      throw new HttpError({ status: 503, message: 'NATS is not connected; nothing was accepted', retryAfterInS: 1 });
    await refuseDisabled(name);
    const id = requestIdOf(call);
    const traceparent = call.req.header('traceparent');
    await sharedTurn();
    try {
      return {
        name,
        invoked: await client.invokeText(name, payload, {
          id,
          ...(qualifier === 'latest' ? {} : { qualifier }),
          ...(traceparent === undefined ? {} : { traceparent }),
        }),
      };
    } catch (error) {
      throw error instanceof UnknownOutcomeError ? unknown(id, error) : error;
    }
  }

  async function refuseDisabled(name: FunctionName): Promise<void> {
    if (gateway.records.function(name)?.max_instance_num !== 0) return;
    await client.functions.get(name);
    throw new HttpError({ status: 429, message: 'Function Disabled' });
  }

  app.post('/v2/:project/fgs/functions/:urn/invocations-async', async (call) => {
    const { invoked } = await accept(call);
    return call.json({ request_id: invoked.requestId }, 202);
  });

  app.post('/v2/:project/fgs/functions/:urn/invocations', async (call) => {
    const leave = waiting.enter();
    try {
      const { name, invoked } = await accept(call);
      call.header('X-Cff-Request-Id', invoked.requestId);
      const { envelope } = await invoked.result({ timeoutInMs: limits.syncInMs });
      return syncReply(call, {
        envelope,
        timeline: await client.timeline(invoked.requestId, { function: name }),
        definition: await definitionOf(name),
      });
    } finally {
      leave();
    }
  });

  async function definitionOf(name: FunctionName) {
    return await client.functions.get(name).then(
      ({ definition }) => definition,
      () => undefined,
    );
  }
}

/** Every request gets an id of its own before it is sent, so that a publish without an answer can be repeated under it. */
function requestIdOf(call: Call): string {
  const given = call.req.header('idempotency-key');
  if (given === undefined) return randomUUID();
  if (canBeBrought(given)) return given;
  throw new InvalidInputError({ field: 'Idempotency-Key', problem: 'must be 1 to 64 letters, digits, "-" or "_"' });
}

function eventOf(body: Uint8Array): string {
  if (body.length <= MAX_PAYLOAD_BYTES) return textOf(body);
  throw new HttpError({ status: 413, message: `the event has ${body.length} bytes; at most ${MAX_PAYLOAD_BYTES} are accepted` });
}

function unknown(id: string, cause: UnknownOutcomeError): HttpError {
  const message = `it is unknown whether request ${id} was accepted; repeat the call with the header "Idempotency-Key: ${id}", which never runs it twice`;
  return new HttpError({ status: 503, message, retryAfterInS: 1 }, { cause });
}
