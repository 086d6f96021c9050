import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, writeFileSync, writeSync } from 'node:fs';
import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

/* Functions of users, correct and faulty. Each export is the handler of one test. */

let initialized = 0;
export const initializer = async (context) => {
  await delay(1);
  initialized += 1;
  process.stdout.write(`initialized ${context.getFunctionName()}\n`);
};
export const calledBackInitializer = (_context, callback) => setTimeout(callback, 1);
export const failingInitializer = async () => {
  process.stdout.write('about to fail\n');
  throw new TypeError('no database');
};
export const hangingInitializer = () => new Promise(() => undefined);
export const leavingInitializer = async () => {
  setTimeout(() => process.exit(1), 1);
};
export const countInitializations = async () => initialized;

export const echo = async (event) => event;
export const pid = async () => process.pid;
export const returnText = async () => 'hello world!';
export const returnUndefined = async () => undefined;
export const returnNull = async () => null;
export const returnPlainly = (event) => ({ plain: event.id });
export const callBack = (event, _context, callback) => setTimeout(() => callback(null, { called: event.id }), 1);
export const callBackError = (_event, _context, callback) => callback(new RangeError('out of stock'));
export const callBackFromAsync = async (_event, _context, callback) => {
  await delay(1);
  callback(null, 'called back');
};
export const returnLarge = async (event) => 'x'.repeat(event.length);
export const returnCycle = async () => {
  const value = {};
  value.self = value;
  return value;
};
export const returnBigInt = async () => ({ n: 1n });
export const returnSymbol = async () => Symbol('s');
export const returnFunction = async () => () => undefined;

const hostile = {
  get message() {
    throw new Error('no');
  },
  get stack() {
    throw new Error('no');
  },
  get name() {
    throw new Error('no');
  },
  toString() {
    throw new Error('no');
  },
  toJSON() {
    throw new Error('no');
  },
};
const thrown = {
  error: () => new TypeError('bad order'),
  text: () => 'just text',
  undefined: () => undefined,
  null: () => null,
  object: () => ({ reason: 7 }),
  hostile: () => hostile,
  proxy: () =>
    new Proxy(
      {},
      {
        get() {
          throw new Error('no');
        },
        getPrototypeOf() {
          throw new Error('no');
        },
      },
    ),
};
export const throwIt = async (event) => {
  throw thrown[event.what]();
};
export const throwWith = async (event) => {
  throw Object.assign(new Error('not now'), event);
};
export const throwAtOnce = () => {
  throw new Error('at once');
};
export const throwLater = async () => {
  setTimeout(() => {
    throw new TypeError('uncaught');
  }, 5);
  await delay(10_000);
};

export const readContext = async (_event, context) => ({
  requestId: context.getRequestID(),
  remaining: context.getRemainingTimeInMilliSeconds(),
  credentials: [
    context.getAccessKey(),
    context.getSecretKey(),
    context.getSecurityAccessKey(),
    context.getSecuritySecretKey(),
    context.getSecurityToken(),
    context.getToken(),
  ],
  userData: [context.getUserData('colour'), context.getUserData('toString') ?? 'none'],
  functionName: context.getFunctionName(),
  runningTime: context.getRunningTimeInSeconds(),
  version: context.getVersion(),
  memory: context.getMemorySize(),
  cpu: context.getCPUNumber(),
  package: context.getPackage(),
  project: context.getProjectID(),
  alias: context.getAlias(),
  attempt: context.attempt,
  traceparent: context.traceparent,
  isAborted: context.signal.aborted,
});
export const log = async (_event, context) => {
  const logger = context.getLogger();
  logger.info('one', { two: 2 });
  logger.error('three');
};

export const sleep = async (event) => {
  if (event.inMs > 0) await delay(event.inMs);
  return process.pid;
};
export const spin = async (event) => {
  process.stdout.write('before the loop\n');
  const until = Date.now() + (event.inMs ?? 60_000);
  while (Date.now() < until);
  return 'spun';
};
/** Fast by default. `spinInMs` blocks the process; `sleepInMs` and `untilFile` do not. Appends each start to `file`. */
export const mixed = async (event) => {
  if (event.file !== undefined) appendFileSync(event.file, `${event.id}\n`);
  if (event.spinInMs !== undefined) await spin({ inMs: event.spinInMs });
  if (event.sleepInMs !== undefined) await delay(event.sleepInMs);
  while (event.untilFile !== undefined && !existsSync(event.untilFile)) await delay(5);
  if (event.exit === true) process.exit(3);
  return event.id;
};
export const never = () => new Promise(() => undefined);
export const untilAborted = ({ file, id }, context) =>
  new Promise((resolve) => {
    if (file !== undefined) appendFileSync(file, `${id}\n`);
    context.signal.addEventListener('abort', () => resolve('noticed'));
  });
export const exit = async (event) => {
  process.stdout.write('leaving\n');
  process.exit(event.code);
};
export const crash = async () => process.kill(process.pid, 'SIGSEGV');
export const fillHeap = async () => {
  const kept = [];
  for (;;) kept.push({ text: `${kept.length}`.padEnd(64, '-'), list: new Array(64).fill(kept.length) });
};
export const fillBuffers = async () => {
  const kept = [];
  // The host of a paused process checks no memory, and the machine has to survive the test.
  while (kept.length < 50) {
    kept.push(Buffer.alloc(8 * 1024 * 1024, 1));
    await delay(2);
  }
  await delay(600_000);
  return kept.length;
};

export const print = async (event) => {
  // biome-ignore lint/suspicious/noConsole: functions print like this
  console.log(event.text);
  return event.text;
};
export const printMegabytes = async () => {
  const line = `${'ß'.repeat(511)}\n`;
  for (let i = 0; i < 20_000; i++) process.stdout.write(line);
  // The two streams keep no order between them.
  await new Promise((resolve) => process.stdout.write('', resolve));
  process.stderr.write('the end');
  return 'printed';
};
/** `node:assert` of Node.js 24 makes the pipe of output non-blocking. */
function writeAll(fd, chunk) {
  let written = 0;
  while (written < chunk.length)
    try {
      written += writeSync(fd, chunk, written);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
}
export const printWithoutRuntime = async () => {
  const chunk = Buffer.alloc(65_536, 'y');
  for (let i = 0; i < 320; i++) writeAll(1, chunk);
  return 'written';
};
/** Returns at once. Prints when the first file exists, and then creates the second one. */
export const printLater = async ({ id, files }) => {
  if (files !== undefined) void printAfter(...files);
  return id;
};
async function printAfter(awaited, created) {
  while (!existsSync(awaited)) await new Promise((resolve) => setTimeout(resolve, 1));
  process.stdout.write('too late\n');
  writeFileSync(created, '');
}

export const environment = async () => ({ env: process.env, cwd: process.cwd(), args: process.argv.slice(2) });
export const fork = async (event) => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: event.inherit ? 'inherit' : 'ignore' });
  writeFileSync(event.file, JSON.stringify([process.pid, child.pid]));
  if (event.thenSpin) await spin({});
  return 'forked';
};
export const leaveTimer = async () => {
  setInterval(() => undefined, 1);
  setTimeout(() => process.exit(9), 50);
  return process.pid;
};
export const printRepeated = async ({ text, count }) => {
  process.stdout.write(text.repeat(count));
  return 'printed';
};
export const returnRepeated = async ({ text, count }) => text.repeat(count);
/** Writes a text to a file descriptor without the runtime, until as many megabytes are written. */
export const floodDescriptor = async ({ fd, first = '', text, megabytes }) => {
  const chunk = Buffer.from(text.repeat(Math.ceil(1_048_576 / text.length)));
  if (first !== '') writeSync(fd, first);
  for (let written = 0; written < megabytes; ) {
    for (let sent = 0; sent < chunk.length; ) sent += writeSync(fd, chunk, sent);
    written += 1;
  }
  return 'written';
};
export const forge = async () => {
  writeSync(4, 'not a frame\n');
  await delay(10_000);
};
/** The options with which this process was started. */
export const nodeOptions = async () => process.execArgv;

/** Uses a processor for a time of the clock. Returns how much processor time the process has used, in milliseconds. */
export const computeFor = async ({ inMs }) => {
  const until = performance.now() + inMs;
  while (performance.now() < until);
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

/**
 * Asks an address of this machine: the status, or that the connection was refused. `fetch` of Node.js 20 never ends when a server closes the
 * connection before the request is sent.
 */
export const ask = ({ url, method }) =>
  new Promise((resolve) => {
    const asked = request(url, { method }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.on('error', () => resolve('refused')).end(method === 'POST' ? 'stolen' : undefined);
  });
/** The statuses of answers to another request, to one without an id, and to a path that does not exist. Of a custom runtime. */
export const answerOthers = async () => {
  const api = `http://${process.env.RUNTIME_API_ADDR}/v1/runtime/invocation`;
  const urls = [`${api}/response/r-other`, `${api}/response`, `${api}/nothing/r-own`];
  return await Promise.all(urls.map((url) => ask({ url, method: 'POST' })));
};
