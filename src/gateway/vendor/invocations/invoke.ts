import type { Hono } from 'hono';
import { MAX_PAYLOAD_BYTES } from '#machines/facts.ts';
import type { Invoked } from '#src/client/client.ts';
import { UnknownOutcomeError } from '#src/core/errors.ts';
import { LATEST } from '#src/core/functions/definition.ts';
import type { Envelope } from '#src/core/log/envelope.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { textOf } from '#src/gateway/http/bodies/body.ts';
import { untilCallerGone } from '#src/gateway/http/caller-gone.ts';
import type { ConcurrencyLimit } from '#src/gateway/http/concurrency-limit.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import { createSharedTurn } from '#src/gateway/http/shared-turn.ts';
import { flowKeyOf } from '../../flow-key.ts';
import { createIdempotency, type IdempotencyKey, idempotencyKeyOf, keyToRepeat } from '../../idempotency.ts';
import type { Call, Gateway, GatewayEnv } from '../../ports.ts';
import { priorityOf } from '../../priority.ts';
import { checkConnected, isDisabled, refuseDisabled } from '../../refusals.ts';
import { scopeOf } from '../../scope.ts';
import { readTarget } from '../reference.ts';
import { executedVersionOf, syncReply } from './sync-reply.ts';

const MEMORY_SIZES = new Set('128 256 512 768 1024 1280 1536 1792 2048 2560 3072 3584 4096 8192 10240'.split(' '));

/** `asyncInvokeFunction` and `invokeFunction`. */
export function addInvocations(app: Hono<GatewayEnv>, gateway: Gateway, waiting: ConcurrencyLimit): void {
  const { client } = gateway;
  const sharedTurn = createSharedTurn();
  const idempotency = createIdempotency(gateway, sharedTurn);
  type Request = Awaited<ReturnType<typeof readRequest>>;

  async function readRequest(call: Call) {
    const scope = scopeOf(call, gateway);
    const { name, qualifier } = readTarget(call, gateway);
    if (qualifier !== LATEST) await client.functions.find(name, qualifier);
    checkMemory(call.req.header('x-cff-instance-memory') ?? '');
    const payload = eventOf(call.get('body'));
    checkConnected(gateway);
    if (isDisabled(gateway, name)) await refuseDisabled(gateway, name);
    const key = idempotencyKeyOf(call, scope, gateway);
    const traceparent = call.req.header('traceparent');
    return {
      name,
      payload,
      key,
      options: {
        qualifier: qualifier === LATEST ? undefined : qualifier,
        traceparent,
        flowKey: flowKeyOf(call),
        priority: priorityOf(call),
      },
    };
  }

  async function invoke(call: Call, { name, payload, key, options }: Request, synchronous?: true): Promise<Invoked> {
    await sharedTurn();
    try {
      // A synchronous call shares no message, because its worker would begin with the other requests of the message.
      const invoked = await (synchronous
        ? client.invokeText(name, payload, { id: key.id, ...options, synchronous })
        : client.invokeTogether(name, payload, { id: key.id, ...options }));
      if (invoked.traceparent !== undefined && invoked.traceparent !== options.traceparent) call.header('traceparent', invoked.traceparent);
      return invoked;
    } catch (error) {
      throw withRetryKey(key, error);
    }
  }

  app.post('/v2/:project/fgs/functions/:urn/invocations-async', async (call) => {
    checkEvent(call.get('body'));
    const request = await readRequest(call);
    const { key } = request;
    if (!key.isGiven) return call.json({ request_id: (await invoke(call, request)).requestId }, 202);
    const { id } = await idempotency.accept({ ...request, ...key }).catch((error: unknown) => {
      throw withRetryKey(key, error);
    });
    return call.json({ request_id: id }, 202);
  });

  app.post('/v2/:project/fgs/functions/:urn/invocations', async (call) => {
    const release = waiting.enter(call.get('project'));
    try {
      const request = await readRequest(call);
      const { name } = request;
      const { id } = request.key;
      await invoke(call, request, true);
      call.header('X-Cff-Request-Id', id);
      const envelope = await outcomeOf(gateway, call, { id, name });
      const timeline = await client.timeline(id, { function: name });
      return syncReply(call, { envelope, timeline, memoryInMb: await memoryOf(name, executedVersionOf(timeline)) });
    } finally {
      release();
    }
  });

  /** The memory of a version; 0 if the version was deleted since its execution. */
  async function memoryOf(name: FunctionName, version: string): Promise<number> {
    return await client.functions.find(name, version).then(
      ({ definition }) => definition.memoryInMb,
      () => 0,
    );
  }
}

/** Waits for an outcome as long as the caller does. */
async function outcomeOf({ client, limits }: Gateway, call: Call, { id, name }: { id: string; name: FunctionName }): Promise<Envelope> {
  const options = { function: name, timeoutInMs: limits.syncInMs, isAccepted: true };
  return (await untilCallerGone(call, (signal) => client.result(id, { ...options, signal }))).envelope;
}

/** Refuses an invalid size, as the vendor does. A valid size changes nothing, because the definition of the function sets its memory. */
function checkMemory(size: string): void {
  if (size === '' || MEMORY_SIZES.has(size)) return;
  throw new HttpError({ status: 400, vendorCode: 'FSS.1007', message: 'X-Cff-Instance-Memory is none of the supported sizes' });
}

/** Refuses an empty body, which is no JSON, as the vendor does. */
function checkEvent(body: Uint8Array): void {
  if (body.length > 0) return;
  throw new HttpError({ status: 406, message: 'the request body is empty; it must be the event as JSON, such as {}' });
}

function eventOf(body: Uint8Array): string {
  if (body.length <= MAX_PAYLOAD_BYTES) return textOf(body);
  throw new HttpError({ status: 413, message: `the event has ${body.length} bytes; at most ${MAX_PAYLOAD_BYTES} are accepted` });
}

/**
 * An unknown outcome as `HttpError` 503 that names the key for a safe retry. A 504 would make the vendor's SDK repeat the call without the
 * key, and the function could run twice.
 */
function withRetryKey(key: IdempotencyKey, cause: unknown): unknown {
  if (!(cause instanceof UnknownOutcomeError)) return cause;
  const retryKey = keyToRepeat(key, cause);
  const message = `it is unknown whether request ${cause.id} was accepted; repeat the call with the header "Idempotency-Key: ${retryKey}", which never starts it twice`;
  return new HttpError({ status: 503, message, retryAfterInS: 1, retryKey }, { cause });
}
