import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { HandlerContext } from './context.mjs';
import { splitLines } from './lines.mjs';
import { INITIALIZING, loadHandler } from './load.mjs';
import { describe, IN_BASE64, MAX_ESCAPED_RESULT, runHandler } from './outcome.mjs';
import { captureOutput, drained, keptBytesOf } from './output.mjs';

/**
 * The program in the child process of a function.
 *
 * It reads lines of JSON from fd 3 and writes lines of JSON to fd 4. It is plain JavaScript without dependencies, so it starts fast.
 * By RUN1 and RUN2 (src/DESIGN.md) the host knows which executions had started when this process dies.
 */

/**
 * `user-data`: in a sandbox, the user data reaches the environment here, after the process has lost its rights. `own-network`: the process has a
 * network for itself. A module runs another kind of code than modules of Node, in the same protocol: `custom.mjs`, `http.mjs`.
 */
const options = process.argv.splice(2);
const adapter = options.find((option) => option.endsWith('.mjs'));

const queue = [];
let current;
let handler;
let run = runHandler;
let memoryInMb = ownMemoryInMb;
let definition;
/** Of a larger value the host gets the size alone. */
let maxResultBytes;
const output = captureOutput((text, droppedLines) =>
  send(droppedLines === undefined ? ['printed', text] : ['printed', text, droppedLines]),
);

const input = new Socket({ fd: 3, readable: true, writable: false });
input.setEncoding('utf8');
input.on('data', splitLines(receive));
// The host is gone, so no result is needed. The signal ends the whole process group.
input.on('close', () => process.kill(0, 'SIGKILL'));

process.on('uncaughtException', (thrown) => {
  if (handler === undefined) send(['start-failed', describe(thrown, { code: 4201, prefix: INITIALIZING }), output.take()]);
  if (current !== undefined) {
    send(['failed', current.id, describe(thrown, { code: 4002, prefix: 'function invocation exception, error: ' }), output.take()]);
    current = undefined;
  }
  process.exit(1);
});
process.on('exit', () => {
  output.flush();
  send(['exiting', current?.id ?? null]);
});

function receive(line) {
  const frame = JSON.parse(line);
  switch (frame[0]) {
    case 'run':
      queue.push(frame);
      if (current === undefined) void runQueue();
      return;
    case 'recall':
      return reportUnstarted('recalled', queue.splice(0));
    case 'abort':
      if (current?.id === frame[1]) return HandlerContext.abort(current.context);
      return reportUnstarted('withdrawn', withdraw(frame[1]));
    case 'start':
      return void start(frame[1]);
  }
}

async function runQueue() {
  let isFirst = true;
  for (let frame = queue.shift(); frame !== undefined; frame = queue.shift()) {
    const [, id, payload, requestId, attempt, qualifier, functionUrn, traceparent, measuresMemory, requestIds] = frame;
    const context = new HandlerContext({ definition, requestId, attempt, qualifier, functionUrn, traceparent, requestIds }, output.print);
    current = { id, context };
    // What a program printed before this execution may be unread. It is read, and dropped.
    if (isFirst && adapter !== undefined) await drained();
    isFirst = false;
    output.open();
    const startedAt = performance.now();
    const outcome = await run(handler, payload, context);
    // The output of a program comes in parts, and a result does not tell how many lines were cut off.
    if (adapter !== undefined) output.flush();
    const memory = measuresMemory ? [memoryInMb()] : [];
    if (outcome.failure === undefined) sendValue(id, outcome, [output.take(), performance.now() - startedAt, ...memory]);
    else send(['failed', id, outcome.failure, output.take(), ...memory]);
    output.close();
    current = undefined;
  }
}

/** The host accepts a line in proportion to the largest value of the function. */
function sendValue(id, { payload, droppedBytes }, [printed, tookInMs, memory = null]) {
  if (droppedBytes === undefined && payload.length * 6 <= maxResultBytes) {
    send(memory === null ? ['returned', id, payload, printed, tookInMs] : ['returned', id, payload, printed, tookInMs, memory]);
    return;
  }
  const bytes = droppedBytes ?? Buffer.byteLength(payload);
  if (bytes > maxResultBytes) send(['returned', id, '', printed, tookInMs, memory, bytes]);
  else if (JSON.stringify(payload).length <= MAX_ESCAPED_RESULT * maxResultBytes)
    send(['returned', id, payload, printed, tookInMs, memory]);
  else send(['returned', id, Buffer.from(payload).toString('base64'), printed, tookInMs, memory, IN_BASE64]);
}

/** The memory of this process. A sandbox may hide `/proc`; the kernel's account then tells the largest memory so far. */
function ownMemoryInMb() {
  try {
    return process.memoryUsage.rss() / 1_048_576;
  } catch {
    return process.resourceUsage().maxRSS / 1_024;
  }
}

function withdraw(id) {
  const index = queue.findIndex((frame) => frame[1] === id);
  return index < 0 ? [] : queue.splice(index, 1);
}

/** Reports executions that did not start, and will not start in this process. */
function reportUnstarted(type, frames) {
  send([type, frames.map((frame) => frame[1])]);
}

async function start(spec) {
  ({ definition, maxResultBytes } = spec);
  output.keep(keptBytesOf(definition));
  if (options.includes('user-data')) Object.assign(process.env, definition.userData);
  const { functionUrn } = spec;
  const facts = { definition, functionUrn, requestId: '', attempt: 0, qualifier: 'latest' };
  const load = adapter === undefined ? loadHandler : (await import(adapter)).loadHandler;
  const outcome = await load(spec, {
    onLoaded: () => send(['loaded']),
    createContext: () => new HandlerContext(facts, output.print),
    hasOwnNetwork: options.includes('own-network'),
    end,
  });
  ({ handler, run = run, memoryInMb = memoryInMb } = outcome);
  if (outcome.failure === undefined) send(['ready']);
  else send(['start-failed', outcome.failure, output.take()]);
  output.close();
}

/** Ends this process as the program below it ended. */
function end(code, signal) {
  output.flush();
  if (signal !== null) process.kill(process.pid, signal);
  process.exit(code ?? 1);
}

/** Writes synchronously (RUN2). Blocks while the pipe is full, which happens only when the host reads too slowly. */
function send(frame) {
  const bytes = Buffer.from(`${JSON.stringify(frame)}\n`);
  for (let sent = 0; sent < bytes.length; ) sent += writeSync(4, bytes, sent);
}
