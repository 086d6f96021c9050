/** The largest returned value that a host passes on. Of a larger one it tells the size alone, as of a value that the log drops (SRC9). */
export const MAX_RESULT_BYTES = 16 * 1024 * 1024;

/** A returned value that JSON escapes to more than this many characters for each of its bytes crosses the pipe in base64. */
export const MAX_ESCAPED_RESULT = 2;
/** Stands in the frame for the number of bytes of a dropped value. */
export const IN_BASE64 = -1;

/** The longest delay that a function may ask for. `machines/facts.ts` has the same bound. */
export const MAX_RETRY_AFTER_IN_MS = 2_592_000_000;

const THREW = 'function invocation exception, error: ';
const CALLED_BACK = 'function entry exception, error: ';
const MAX_MESSAGE = 4_096;
const MAX_STACK_LINES = 32;
const MAX_STACK_LINE = 512;

/** Runs a handler on a payload, and resolves to `{ payload }` or `{ failure }`. Never rejects, whatever the handler does. */
export async function runHandler(handler, payload, context) {
  const origin = { prefix: THREW };
  try {
    const event = payload === '' ? {} : JSON.parse(payload);
    return render(await call(handler, [event, context], origin));
  } catch (thrown) {
    return { failure: describe(thrown, { code: 4002, prefix: origin.prefix }) };
  }
}

/**
 * Calls a function that returns its result as a promise, as a plain value, or by the callback that is its last parameter.
 *
 * If the function returns a promise and calls the callback, the first result counts. A function that declares the callback and returns no
 * promise has only the callback.
 */
export function call(fn, args, origin = {}) {
  return new Promise((resolve, reject) => {
    const returned = fn(...args, (error, result) => {
      if (error === undefined || error === null) return resolve(result);
      origin.prefix = CALLED_BACK;
      reject(error);
    });
    if (fn.length <= args.length) resolve(returned);
    else if (typeof returned?.then === 'function') Promise.resolve(returned).then(resolve, reject);
  });
}

/** A string is the payload itself, `undefined` is an empty payload, and everything else becomes JSON. */
function render(value) {
  if (typeof value === 'string') return { payload: value };
  if (value === undefined) return { payload: '' };
  let json;
  try {
    json = JSON.stringify(value);
  } catch (thrown) {
    return notJson(describe(thrown, { code: 4002, prefix: '' }).message.split('\n', 1)[0]);
  }
  return json === undefined ? notJson(`it is a ${typeof value}`) : { payload: json };
}

function notJson(reason) {
  return failed('ResultNotSerializable', `the returned value cannot be written as JSON: ${reason}`);
}

function failed(errorType, problem) {
  return { failure: { kind: 'function', code: 4002, errorType, message: THREW + problem, stackTrace: [] } };
}

/** The failure for a thrown value. Never throws, also when reading the value throws. */
export function describe(thrown, { code, prefix }) {
  const isObject = (typeof thrown === 'object' && thrown !== null) || typeof thrown === 'function';
  const read = (key) => (isObject ? attempt(() => thrown[key]) : undefined);
  const message = read('message');
  const name = read('name');
  const stack = read('stack');
  return {
    kind: 'function',
    code,
    errorType: (typeof name === 'string' && name.slice(0, 128)) || typeOf(thrown),
    message: (prefix + (typeof message === 'string' ? message : asText(thrown))).slice(0, MAX_MESSAGE),
    stackTrace: typeof stack === 'string' ? linesOf(stack) : [],
    ...hintsOf(read('retryable'), read('retryAfter')),
  };
}

/**
 * What an error says about a further attempt: `retryable: false` for none, and `retryAfter` for when, as a number of seconds, a `Date`, or the
 * text of an HTTP header `Retry-After`.
 */
export function hintsOf(retryable, retryAfter, now = Date.now()) {
  if (retryable === false) return { retryable };
  const seconds = secondsOf(retryAfter, now);
  if (!Number.isFinite(seconds)) return {};
  return { retryAfterInMs: Math.min(Math.max(Math.round(seconds * 1_000), 0), MAX_RETRY_AFTER_IN_MS) };
}

function secondsOf(retryAfter, now) {
  if (typeof retryAfter === 'number') return retryAfter;
  if (retryAfter instanceof Date) return (retryAfter.getTime() - now) / 1_000;
  if (typeof retryAfter !== 'string') return Number.NaN;
  return /^\s*\d+(\.\d+)?\s*$/.test(retryAfter) ? Number(retryAfter) : (Date.parse(retryAfter) - now) / 1_000;
}

function typeOf(thrown) {
  if (thrown === null) return 'null';
  return typeof thrown === 'object' ? 'Object' : typeof thrown;
}

function asText(thrown) {
  if (typeof thrown === 'string') return thrown;
  const json = typeof thrown === 'object' ? attempt(() => JSON.stringify(thrown)) : undefined;
  return json ?? attempt(() => String(thrown)) ?? 'a value that cannot be read';
}

function linesOf(stack) {
  const lines = stack.split('\n', 256).filter((line) => /^\s+at /.test(line));
  return lines.slice(0, MAX_STACK_LINES).map((line) => line.trim().slice(0, MAX_STACK_LINE));
}

function attempt(read) {
  try {
    return read();
  } catch {
    return undefined;
  }
}
