import type { MiddlewareHandler } from 'hono';
import { HttpError } from './http-error.ts';
import type { GatewayEnv } from './ports.ts';

/** Room for a number of requests at a moment. */
export type Room = { readonly taken: number; enter(): () => void };

/** Throws `HttpError` 429 when it is full: before anything was accepted, so that the caller can simply try again. */
export function createRoom(capacity: number): Room {
  let taken = 0;
  return {
    get taken() {
      return taken;
    },
    enter() {
      if (taken >= capacity) throw overloaded();
      taken++;
      let isIn = true;
      return () => {
        if (isIn) taken--;
        isIn = false;
      };
    },
  };
}

/** Bounds the requests in flight. Those that wait for an event hold a place of another room instead. */
export function boundRequests(capacity: number): MiddlewareHandler<GatewayEnv> {
  const room = createRoom(capacity);
  return async (_, next) => {
    const leave = room.enter();
    try {
      await next();
    } finally {
      leave();
    }
  };
}

function overloaded(): HttpError {
  return new HttpError({ status: 429, message: 'the request is controlled by overload protection, please retry later', retryAfterInS: 1 });
}
