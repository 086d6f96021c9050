import type { Hono } from 'hono';
import { z } from 'zod';
import { InvocationNotFoundError, WrongStateError } from '#src/core/errors.ts';
import { isRequestId } from '#src/core/names/names.ts';
import { parseBody } from '#src/gateway/http/bodies/body.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import type { Gateway, GatewayEnv } from '../../ports.ts';
import { targetOf } from '../reference.ts';

const requestSchema = z.object({
  request_id: z.string('Invalid RequestId').refine(isRequestId, 'Invalid RequestId'),
  type: z.enum(['force', 'recursive'], 'must be force or recursive').nullish(),
});

/**
 * `cancelAsyncInvocation`: cancels one invocation of the function. A running attempt is aborted with either type; `recursive` also cancels
 * the invocations that the outcome started.
 */
export function addCancel(app: Hono<GatewayEnv>, gateway: Gateway): void {
  const { client } = gateway;

  app.post('/v2/:project/fgs/functions/:urn/cancel', async (call) => {
    const { name } = await targetOf(call, gateway);
    const { request_id, type } = parseBody(call.get('body'), requestSchema);
    await client.functions.get(name);
    try {
      await client.cancel(request_id, { function: name, recursive: type === 'recursive', reason: 'function invocation canceled' });
    } catch (cause) {
      if (cause instanceof InvocationNotFoundError)
        throw new HttpError({ status: 400, message: `Invalid RequestId: ${cause.message}` }, { cause });
      if (cause instanceof WrongStateError) throw new HttpError({ status: 400, message: cause.message }, { cause });
      throw cause;
    }
    // The documented reply is `null`, which the vendor's SDK cannot parse.
    return call.json({});
  });
}
