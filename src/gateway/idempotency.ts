import { randomUUID } from 'node:crypto';
import { InvalidInputError, InvocationNotFoundError } from '#src/core/errors.ts';
import { canBeBrought, derivedId } from '#src/core/names/ids.ts';
import { HttpError } from './http/http-error.ts';
import type { Call, Gateway } from './ports.ts';
import type { Scope } from './scope.ts';

type InvokeOnceOptions = {
  name: string;
  id: string;
  payload: string;
  options: { traceparent: string | undefined; qualifier: string | undefined };
};

/**
 * Idempotency keys (draft-ietf-httpapi-idempotency-key-header-07): a key is the id of its request, so what was accepted under it
 * stands in the log, for every gateway; what is too new to be read there the server of the log remembers.
 */
export interface Idempotency {
  /**
   * Accepts the request unless one was accepted under its id before; returns whether one was. Throws `HttpError` 422 when that had
   * another event, and 409 while this gateway is still about the first.
   */
  accept(order: InvokeOnceOptions): Promise<{ isRepeated: boolean }>;
}

export function createIdempotency({ client }: Gateway, sharedTurn: () => Promise<void>): Idempotency {
  const underWay = new Set<string>();

  async function findEarlier({ name, id }: InvokeOnceOptions): Promise<string | undefined> {
    try {
      return (await client.timeline(id, { function: name })).requestPayload;
    } catch (error) {
      if (error instanceof InvocationNotFoundError) return undefined;
      throw error;
    }
  }

  return {
    async accept(order) {
      const { name, id, payload, options } = order;
      const key = `${name}/${id}`;
      if (underWay.has(key))
        throw new HttpError({ status: 409, message: 'the first request of this Idempotency-Key is still on its way', retryAfterInS: 1 });
      underWay.add(key);
      try {
        const known = await findEarlier(order);
        await sharedTurn();
        const earlier = known ?? (await client.invokeOnce(name, payload, { id, ...options })).earlier;
        if (earlier === undefined) return { isRepeated: false };
        if (earlier === payload) return { isRepeated: true };
        throw new HttpError({ status: 422, message: 'the Idempotency-Key was used before, with another event' });
      } finally {
        underWay.delete(key);
      }
    },
  };
}

/** The key of a call, its own or a new one, and the request id that it stands for. */
export type Key = { text: string; id: string; isGiven: boolean };

/** In the own project the key is the id, so that whoever knows it can ask for the invocation. Keys of other projects never meet it. */
export function idempotencyKeyOf(call: Call, scope: Scope, { tenancy }: Gateway): Key {
  const given = call.req.header('idempotency-key');
  if (given !== undefined && !canBeBrought(given)) {
    throw new InvalidInputError({
      field: 'Idempotency-Key',
      problem: 'must be 1 to 64 letters, digits, "-" or "_", and not of the form that Sequent makes itself',
    });
  }
  const text = given ?? randomUUID();
  const id = scope.isOpen || scope.project === tenancy.project ? text : derivedId(`${scope.project}=${text}`);
  return { text, id, isGiven: given !== undefined };
}
