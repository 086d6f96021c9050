import { HttpError } from './http-error.ts';

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

function overloaded(): HttpError {
  return new HttpError({ status: 429, message: 'the request is controlled by overload protection, please retry later', retryAfterInS: 1 });
}
