import { Writable } from 'node:stream';

/** How much of what an execution prints is kept: the end of it. */
const MAX_OUTPUT_BYTES = 4_096;

/** A print of a running execution is passed on at once, and then at most this often. */
const PASS_ON_EVERY_MS = 20;

/** The end of a text, at most `limit` bytes of UTF-8, cut between characters. */
export function lastBytes(text, limit = MAX_OUTPUT_BYTES) {
  if (text.length * 3 <= limit) return text;
  const bytes = Buffer.from(text.slice(-limit - 1));
  if (bytes.length <= limit) return text;
  let start = bytes.length - limit;
  while ((bytes[start] & 0xc0) === 0x80) start += 1;
  return bytes.toString('utf8', start);
}

/**
 * Replaces `process.stdout` and `process.stderr` of this process: the prints of the current execution go to `passOn`, soon enough
 * to survive a kill and seldom enough that a flood costs the host nothing. What is printed between executions is dropped.
 */
export function captureOutput(passOn) {
  let pending = '';
  let isOpen = true;
  let passedOnAt = 0;
  let isTimerSet = false;

  function flush() {
    if (pending === '') return;
    passedOnAt = performance.now();
    passOn(take());
  }
  function take() {
    const text = lastBytes(pending);
    pending = '';
    return text;
  }
  function print(text) {
    if (!isOpen) return;
    pending += text;
    if (pending.length > 2 * MAX_OUTPUT_BYTES) pending = lastBytes(pending);
    if (performance.now() - passedOnAt >= PASS_ON_EVERY_MS) flush();
    else if (!isTimerSet) flushLater();
  }
  function flushLater() {
    isTimerSet = true;
    setTimeout(() => {
      isTimerSet = false;
      flush();
    }, PASS_ON_EVERY_MS).unref();
  }

  for (const [name, fd] of [
    ['stdout', 1],
    ['stderr', 2],
  ]) {
    const stream = Object.assign(createSink(print), { fd });
    Object.defineProperty(process, name, { configurable: true, enumerable: true, value: stream });
  }
  return {
    print,
    flush,
    take,
    open() {
      pending = '';
      passedOnAt = 0;
      isOpen = true;
    },
    shut() {
      pending = '';
      isOpen = false;
    },
  };
}

function createSink(print) {
  return new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      print(typeof chunk === 'string' ? chunk : chunk.subarray(-2 * MAX_OUTPUT_BYTES).toString());
      done();
    },
  });
}
