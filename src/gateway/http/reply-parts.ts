import type { Call } from '../ports.ts';
import { openReplyLines } from './reply-lines.ts';

const PART_BYTES = 64 * 1_024;
const STALL_IN_MS = 30_000;

/**
 * A large body that is sent as fast as its caller reads. A caller that reads nothing for too long loses its connection. `onEnd` is called when all
 * of it was read, or the caller is gone: until then the content takes memory.
 */
export function inParts(call: Call, content: Iterable<Uint8Array | string>, onEnd: () => void): ReadableStream<Uint8Array> {
  const reply = openReplyLines({ maxBufferedBytes: PART_BYTES, stallInMs: STALL_IN_MS });
  async function write(): Promise<void> {
    for (const part of content) {
      if (reply.gone.aborted) return;
      await reply.write(part);
    }
  }
  void write().finally(() => {
    reply.end();
    if (reply.gone.aborted) call.env?.outgoing?.destroy();
    onEnd();
  });
  return reply.body;
}

/** Bytes in parts; in base64 each part is the text of its bytes. */
export function* partsOf(bytes: Buffer, encoding?: 'base64'): Generator<Uint8Array | string> {
  // Three bytes are four characters, so that no part but the last one is padded.
  const size = PART_BYTES - (PART_BYTES % 3);
  for (let at = 0; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size);
    yield encoding === undefined ? part : part.toString(encoding);
  }
}
