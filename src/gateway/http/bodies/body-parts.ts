import { PassThrough, Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import type { Call } from '#src/gateway/ports.ts';
import { HttpError } from '../http-error.ts';
import { cutShort, tooLarge } from './body.ts';

type PartsOptions = {
  maxBytes: number;
  /** How long the next part may take to arrive. */
  idleInMs: number;
  /** Ends the reading with the reason of the signal. */
  stop: AbortSignal;
};

/**
 * Reads the body of a call part by part, as fast as the parts are taken. A signed body is one part, because `authenticate` has read it.
 *
 * Throws `HttpError` 413, 408 when no part arrives in time, 400 when the connection ends before the body does, and the reason of `stop`.
 * The connection stays open, so that the caller can still be answered.
 */
export async function* bodyParts(call: Call, { maxBytes, idleInMs, stop }: PartsOptions): AsyncGenerator<Uint8Array> {
  const verified = call.get('body');
  if (verified.length > 0) {
    yield verified;
    return;
  }
  const source = sourceOf(call);
  // A failure of this stream leaves the connection open: to destroy the request itself would close it.
  const parts = new PassThrough();
  const end = (error: Error): void => void parts.destroy(error);
  const onClose = (): void => {
    if (!source.readableEnded) end(cutShort());
  };
  const onStop = (): void => end(stop.reason as Error);
  parts.on('error', () => {});
  source.on('close', onClose).on('error', onClose);
  stop.addEventListener('abort', onStop, { once: true });
  source.pipe(parts);
  if (stop.aborted) onStop();
  else if (source.destroyed) onClose();
  let bytes = 0;
  let idle = setTimeout(end, idleInMs, tooIdle(idleInMs));
  try {
    for await (const part of parts as AsyncIterable<Uint8Array>) {
      clearTimeout(idle);
      bytes += part.length;
      if (bytes > maxBytes) throw tooLarge(maxBytes);
      yield part;
      idle = setTimeout(end, idleInMs, tooIdle(idleInMs));
    }
  } finally {
    clearTimeout(idle);
    source.unpipe(parts).off('close', onClose);
    stop.removeEventListener('abort', onStop);
  }
}

function sourceOf(call: Call): Readable {
  const incoming = call.env?.incoming;
  if (incoming !== undefined) return incoming;
  const { body } = call.req.raw;
  return body === null ? Readable.from([]) : Readable.fromWeb(body as ReadableStream);
}

function tooIdle(idleInMs: number): HttpError {
  return new HttpError({ status: 408, message: `nothing of the request body arrived for ${idleInMs / 1_000} s` });
}
