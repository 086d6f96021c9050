import { Writable } from 'node:stream';

/** How much of the end of its output the fact of an attempt holds. */
const MAX_OUTPUT_BYTES = 4_096;

/** How much of the end is kept until then: a secret that begins before the part for the fact is still recognised. */
export const KEPT_BYTES = 2 * MAX_OUTPUT_BYTES;

/** The output so far and a further part of it, of which `limit` bytes are kept. Cut seldom, so that a part costs one join. */
export function appendOutput(output, text, limit = KEPT_BYTES) {
  const all = output + text;
  return all.length > 2 * limit ? lastBytes(all, limit) : all;
}

/** How much of its output a host keeps of an execution of this function. */
export function keptBytesOf({ maxOutputBytes }) {
  return maxOutputBytes === undefined ? KEPT_BYTES : maxOutputBytes + MAX_OUTPUT_BYTES;
}

/** Output is sent to the host at once, and then at most once per this interval. */
const SEND_EVERY_MS = 20;

/** The last part of a text, at most `limit` bytes of UTF-8, cut between characters. */
export function lastBytes(text, limit = MAX_OUTPUT_BYTES) {
  if (text.length * 3 <= limit) return text;
  const bytes = Buffer.from(text.slice(-limit - 1));
  if (bytes.length <= limit) return text;
  let start = bytes.length - limit;
  while ((bytes[start] & 0xc0) === 0x80) start += 1;
  return bytes.toString('utf8', start);
}

/**
 * Resolves once everything is read that a program wrote until now. The kernel may have named the readable pipes of this turn of the event loop
 * before the program wrote, so a whole further turn is needed. A turn reads all that a pipe holds.
 */
export async function drained() {
  await new Promise(setImmediate);
  await new Promise(setImmediate);
}

/**
 * Replaces `process.stdout` and `process.stderr`, and sends the output of the current execution to the host with `send`.
 *
 * Output is sent early enough to survive a kill of this process, and rarely enough that a flood does not load the host. Output between
 * executions is dropped.
 */
export function captureOutput(send) {
  let pending = '';
  let kept = KEPT_BYTES;
  let isOpen = true;
  let sentAt = 0;
  let isTimerSet = false;
  /** The line ends that were cut off since the last sent text; `undefined` when nothing was cut. */
  let droppedLines;

  function flush() {
    if (pending === '') return;
    sentAt = performance.now();
    const text = cut(pending, lastBytes(pending, kept));
    const dropped = droppedLines;
    take();
    send(text, dropped);
  }
  function take() {
    const text = lastBytes(pending, kept);
    pending = '';
    droppedLines = undefined;
    return text;
  }
  function cut(all, rest) {
    if (rest.length < all.length) drop(countLineEnds(all, all.length - rest.length));
    return rest;
  }
  function drop(lines) {
    droppedLines = (droppedLines ?? 0) + lines;
  }
  function print(text) {
    if (!isOpen) return;
    pending = cut(pending + text, appendOutput(pending, text, kept));
    if (performance.now() - sentAt >= SEND_EVERY_MS) flush();
    else if (!isTimerSet) flushLater();
  }
  function flushLater() {
    isTimerSet = true;
    setTimeout(() => {
      isTimerSet = false;
      flush();
    }, SEND_EVERY_MS).unref();
  }

  for (const [name, fd] of [
    ['stdout', 1],
    ['stderr', 2],
  ]) {
    const stream = Object.assign(
      createSink((chunk) => {
        const start = Math.max(0, chunk.length - 2 * kept);
        if (start > 0 && isOpen) drop(countLineEnds(chunk, start));
        print(chunk.subarray(start).toString());
      }, print),
      { fd },
    );
    Object.defineProperty(process, name, { configurable: true, enumerable: true, value: stream });
  }
  return {
    print,
    flush,
    take,
    /** Keeps more of the output of each execution. */
    keep(bytes) {
      kept = bytes;
    },
    open() {
      take();
      sentAt = 0;
      isOpen = true;
    },
    close() {
      take();
      isOpen = false;
    },
  };
}

/** The line ends before a position, in a text or a buffer. */
function countLineEnds(text, before) {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at < before; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}

function createSink(printBytes, print) {
  return new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      if (typeof chunk === 'string') print(chunk);
      else printBytes(chunk);
      done();
    },
  });
}
