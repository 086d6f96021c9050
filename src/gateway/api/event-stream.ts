/** Server-sent events for one reader, in bounded memory. */
export type EventStream = {
  readonly response: Response;
  /** Aborts when the reader is gone, is too slow, or the stream was ended. */
  readonly closed: AbortSignal;
  /** Sends events as one piece. `false` when the reader is too slow: the stream ends, and resumes behind the last id it has. */
  send(text: string): boolean;
  end(): void;
};

/** What one reader may be behind. */
const MAX_BUFFERED_BYTES = 1_024 * 1_024;
const KEEP_ALIVE_EVERY_MS = 15_000;
const encoder = new TextEncoder();

/** Ends with the signal too. `onClose` is called once, whatever ended it. */
export function openEventStream(signal: AbortSignal, onClose: () => void): EventStream {
  const closing = new AbortController();
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const keepAlive = setInterval(() => send(': still here\n\n'), KEEP_ALIVE_EVERY_MS);
  keepAlive.unref();

  function finish(how: () => void): void {
    if (closing.signal.aborted) return;
    closing.abort();
    clearInterval(keepAlive);
    signal.removeEventListener('abort', end);
    how();
    onClose();
  }
  function end(): void {
    finish(() => controller?.close());
  }
  function send(text: string): boolean {
    if (closing.signal.aborted) return false;
    controller?.enqueue(encoder.encode(text));
    if ((controller?.desiredSize ?? 0) > 0) return true;
    end();
    return false;
  }

  const body = new ReadableStream<Uint8Array>(
    {
      start(opened) {
        controller = opened;
      },
      cancel: () => finish(() => {}),
    },
    { highWaterMark: MAX_BUFFERED_BYTES, size: (chunk) => chunk?.byteLength ?? 0 },
  );
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  // So that the headers reach the reader before anything happens.
  send('retry: 1000\n\n');
  const headers = { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' };
  return { response: new Response(body, { headers }), closed: closing.signal, send, end };
}
