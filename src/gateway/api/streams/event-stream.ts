/** Server-sent events for one reader, in bounded memory. */
export type EventStream = {
  readonly response: Response;
  /** Aborts when the reader disconnected, the reader was too slow, or the stream was ended. */
  readonly closed: AbortSignal;
  /** Sends text as one chunk. Returns `false` if the reader is too slow: then the stream ends, and the reader resumes after its last id. */
  send(text: string): boolean;
  end(): void;
};

/** The unread bytes at which a reader counts as too slow. */
const MAX_BUFFERED_BYTES = 1_024 * 1_024;
const KEEP_ALIVE_EVERY_MS = 15_000;
const encoder = new TextEncoder();

/** Opens a stream that also ends with one of the signals. `onClose` is called once, at the end of the stream. */
export function openEventStream(signals: readonly AbortSignal[], onClose: () => void): EventStream {
  const closing = new AbortController();
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const keepAlive = setInterval(() => send(': keep-alive\n\n'), KEEP_ALIVE_EVERY_MS);
  keepAlive.unref();

  function finish(closeBody: () => void): void {
    if (closing.signal.aborted) return;
    closing.abort();
    clearInterval(keepAlive);
    for (const signal of signals) signal.removeEventListener('abort', end);
    closeBody();
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
  for (const signal of signals) signal.addEventListener('abort', end, { once: true });
  if (signals.some(({ aborted }) => aborted)) end();
  // Node sends the headers with the first chunk: without it, the reader would wait for the first event.
  send('retry: 1000\n\n');
  const headers = { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' };
  return { response: new Response(body, { headers }), closed: closing.signal, send, end };
}
