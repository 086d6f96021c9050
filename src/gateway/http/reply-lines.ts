/** Text or bytes for one reader, in bounded memory. A write waits for a slow reader. */
export type ReplyLines = {
  readonly body: ReadableStream<Uint8Array>;
  /** Aborts when the reader is gone, or has read nothing for too long. */
  readonly gone: AbortSignal;
  /** Resolves when the reader has room for more text, or is gone. Only one write may wait at a time. */
  write(content: string | Uint8Array): Promise<void>;
  end(): void;
};

type ReplyOptions = {
  maxBufferedBytes: number;
  /** How long the reader may read nothing while text waits. */
  stallInMs: number;
};

const encoder = new TextEncoder();

export function openReplyLines({ maxBufferedBytes, stallInMs }: ReplyOptions): ReplyLines {
  const leaving = new AbortController();
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  let hasRoom: () => void = () => {};
  let isEnded = false;
  const leave = (): void => {
    leaving.abort();
    hasRoom();
  };
  const body = new ReadableStream<Uint8Array>(
    {
      start(opened) {
        controller = opened;
      },
      pull: () => hasRoom(),
      cancel: leave,
    },
    { highWaterMark: maxBufferedBytes, size: (chunk) => chunk?.byteLength ?? 0 },
  );
  return {
    body,
    gone: leaving.signal,
    async write(content) {
      if (leaving.signal.aborted || isEnded) return;
      controller?.enqueue(typeof content === 'string' ? encoder.encode(content) : content);
      if ((controller?.desiredSize ?? 1) > 0) return;
      const stalled = setTimeout(leave, stallInMs);
      await new Promise<void>((resolve) => {
        hasRoom = resolve;
      });
      clearTimeout(stalled);
    },
    end() {
      if (isEnded) return;
      isEnded = true;
      // A stream that its reader cancelled is closed already.
      if (!leaving.signal.aborted) controller?.close();
    },
  };
}
