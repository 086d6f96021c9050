import type { Hono } from 'hono';
import { MAX_PAYLOAD_BYTES } from '#machines/facts.ts';
import type { Invoked } from '#src/client/client.ts';
import { UnknownOutcomeError } from '#src/core/errors.ts';
import { LATEST } from '#src/core/functions/definition.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { textOf } from '#src/gateway/http/body.ts';
import type { ConcurrencyLimit } from '#src/gateway/http/concurrency-limit.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import { createSharedTurn } from '#src/gateway/http/shared-turn.ts';
import { createIdempotency, type IdempotencyKey, idempotencyKeyOf } from '../idempotency.ts';
import type { Call, Gateway, GatewayEnv } from '../ports.ts';
import { checkConnected, isDisabled, refuseDisabled } from '../refusals.ts';
import { scopeOf } from '../scope.ts';
import { readTarget } from './reference.ts';
import { executedVersionOf, syncReply } from './sync-reply.ts';

const MEMORY_SIZES = new Set('128 256 512 768 1024 1280 1536 1792 2048 2560 3072 3584 4096 8192 10240'.split(' '));

/** `asyncInvokeFunction` and `invokeFunction`. */
export function addInvocations(app: Hono<GatewayEnv>, gateway: Gateway, waiting: ConcurrencyLimit): void {
  const { client, limits } = gateway;
  const sharedTurn = createSharedTurn();
  const idempotency = createIdempotency(gateway, sharedTurn);
  type Request = Awaited<ReturnType<typeof readRequest>>;

  async function readRequest(call: Call) {
    const scope = scopeOf(call, gateway);
    const { name, qualifier } = readTarget(call, scope);
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
      id: key.id,
      formerId: key.formerId,
      options: { qualifier: qualifier === LATEST ? undefined : qualifier, traceparent },
    };
  }

  async function invoke(call: Call, { name, payload, key, id, options }: Request): Promise<Invoked> {
    await sharedTurn();
    try {
      const invoked = await client.invokeText(name, payload, { id, ...options });
      if (invoked.traceparent !== undefined && invoked.traceparent !== options.traceparent) call.header('traceparent', invoked.traceparent);
      return invoked;
    } catch (error) {
      throw withRetryKey(key, error);
    }
  }

  app.post('/v2/:project/fgs/functions/:urn/invocations-async', async (call) => {
    const request = await readRequest(call);
    if (!request.key.isGiven) await invoke(call, request);
    else
      await idempotency.accept(request).catch((error: unknown) => {
        throw withRetryKey(request.key, error);
      });
    return call.json({ request_id: request.id }, 202);
  });

  app.post('/v2/:project/fgs/functions/:urn/invocations', async (call) => {
    const release = waiting.enter(call.get('project'));
    try {
      const request = await readRequest(call);
      const { name, id } = request;
      const invoked = await invoke(call, request);
      call.header('X-Cff-Request-Id', id);
      const { envelope } = await invoked.result({ timeoutInMs: limits.syncInMs });
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

/** Refuses an invalid size, as the vendor does. A valid size changes nothing, because the definition of the function sets its memory. */
function checkMemory(size: string): void {
  if (size === '' || MEMORY_SIZES.has(size)) return;
  throw new HttpError({ status: 400, vendorCode: 'FSS.1007', message: 'X-Cff-Instance-Memory is none of the supported sizes' });
}

function eventOf(body: Uint8Array): string {
  if (body.length <= MAX_PAYLOAD_BYTES) return textOf(body);
  throw new HttpError({ status: 413, message: `the event has ${body.length} bytes; at most ${MAX_PAYLOAD_BYTES} are accepted` });
}

/**
 * An unknown outcome as `HttpError` 503 that names the key for a safe retry. A 504 would make the vendor's SDK repeat the call without the
 * key, and the function could run twice.
 */
function withRetryKey({ id, text }: IdempotencyKey, cause: unknown): unknown {
  if (!(cause instanceof UnknownOutcomeError)) return cause;
  const message = `it is unknown whether request ${id} was accepted; repeat the call with the header "Idempotency-Key: ${text}", which never starts it twice`;
  return new HttpError({ status: 503, message, retryAfterInS: 1, retryKey: text }, { cause });
}
