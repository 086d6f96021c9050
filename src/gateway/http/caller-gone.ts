import type { Call } from '../ports.ts';
import { HttpError } from './http-error.ts';

/** Runs a work that ends when the connection of its call does, and then fails with 499. A longer wait would occupy a place for nobody. */
export async function untilCallerGone<Result>(call: Call, work: (gone: AbortSignal) => Promise<Result>): Promise<Result> {
  const { signal } = call.req.raw;
  try {
    return await work(signal);
  } catch (error) {
    throw signal.aborted && error === signal.reason ? new HttpError({ status: 499, message: 'the caller is gone' }) : error;
  }
}
