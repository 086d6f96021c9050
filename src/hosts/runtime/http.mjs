import { request as openRequest } from 'node:http';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { hintsOf } from './outcome.mjs';
import { drained } from './output.mjs';
import { hasSocket, hexadecimalEnd, memoryOfTree, readBody, startProgram } from './program.mjs';

/**
 * FunctionGraph's HTTP functions: the program is a web server at port 8000 of its own network. Without one, the server listens at the port that
 * `PORT` of the environment names.
 *
 * An event in the form of API Gateway becomes its request. Any other event is the body of a POST to `/`.
 */

const ADDRESS = '127.0.0.1';
const PORT_OF_OWN_NETWORK = 8_000;
const LOOK_EVERY_MS = 10;
/** How long the end of a program without its socket is awaited. */
const ENDS_WITHIN_MS = 1_000;
const MAX_ERROR_CHARACTERS = 2_048;
/** Headers of one connection, which those of an event would contradict. */
const OF_CONNECTION = new Set(['connection', 'content-length', 'host', 'keep-alive', 'transfer-encoding', 'upgrade']);

/** Starts the program, and resolves once it listens: to how it runs, or to a failure. */
export async function loadHandler(spec, { onLoaded, createContext, end, hasOwnNetwork }) {
  const port = hasOwnNetwork ? PORT_OF_OWN_NETWORK : await freePort();
  let isReady = false;
  const program = startProgram(spec, { context: createContext(), environment: { PORT: String(port) }, isReady: () => isReady, end });
  if (program.pid === undefined) return await program.failed;
  onLoaded();
  let failed;
  void program.failed.then((found) => {
    failed = found;
  });
  while (failed === undefined && !isListening(program.pid, port)) await sleep(LOOK_EVERY_MS);
  if (failed !== undefined) return failed;
  isReady = true;
  const region = spec.functionUrn.split(':')[2] ?? '';
  return {
    handler: program,
    run: async (_handler, payload, context) => {
      const outcome = await send(payload, { program, port, context, region, maxBytes: spec.maxResultBytes });
      await drained();
      return outcome;
    },
    memoryInMb: () => memoryOfTree(program.pid),
  };
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, ADDRESS, () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Whether the program itself listens, and no other one of this machine. */
function isListening(pid, port) {
  return hasSocket(pid, hexadecimalEnd(port));
}

function requestOf(payload, context, region) {
  const headers = {
    'X-CFF-Request-Id': context.requestId,
    'X-CFF-Memory': context.getMemorySize(),
    'X-CFF-Timeout': context.getRunningTimeInSeconds(),
    'X-CFF-Func-Version': context.getVersion(),
    'X-CFF-Func-Name': context.getFunctionName(),
    'X-CFF-Project-Id': context.getProjectID(),
    'X-CFF-Package': context.getPackage(),
    'X-CFF-Region': region,
    ...(context.traceparent ? { traceparent: context.traceparent } : {}),
  };
  const event = parsed(payload);
  if (typeof event?.httpMethod !== 'string' || typeof event.path !== 'string' || !event.path.startsWith('/')) {
    const body = Buffer.from(payload === '' ? '{}' : payload);
    return { method: 'POST', path: '/', headers: { 'Content-Type': 'application/json', ...headers }, body };
  }
  const given = Object.entries(event.headers ?? {}).filter(([name]) => !OF_CONNECTION.has(name.toLowerCase()));
  const query = new URLSearchParams(event.queryStringParameters ?? {}).toString();
  return {
    method: event.httpMethod.toUpperCase(),
    path: encodeURI(event.path) + (query === '' ? '' : `?${query}`),
    headers: { ...Object.fromEntries(given), ...headers },
    body: Buffer.from(String(event.body ?? ''), event.isBase64Encoded === true ? 'base64' : 'utf8'),
  };
}

function parsed(payload) {
  try {
    return JSON.parse(payload);
  } catch {
    return undefined;
  }
}

/** Sends a request, and resolves to the answer in the form of API Gateway. A status of 400 or more is a failure. */
async function send(payload, { program, port, context, region, maxBytes }) {
  try {
    // Throws for an event that describes no request.
    const { body, ...options } = requestOf(payload, context, region);
    if (!isListening(program.pid, port)) throw new Error('the server does not listen any more');
    const response = await new Promise((resolve, reject) => {
      openRequest({ ...options, host: ADDRESS, port, agent: false, signal: context.signal }, resolve)
        .on('error', reject)
        .end(body);
    });
    const { content, droppedBytes } = await readBody(response, maxBytes);
    const { statusCode, headers } = response;
    const { text, isBase64Encoded } = textOf(content);
    if (statusCode >= 400)
      return failed(`the server answered ${statusCode}: ${text.slice(0, MAX_ERROR_CHARACTERS)}`, headers['retry-after']);
    if (droppedBytes !== undefined) return { payload: '', droppedBytes };
    return { payload: JSON.stringify({ statusCode, headers, isBase64Encoded, body: text }) };
  } catch (error) {
    // A program that ends loses its sockets first. Its end is the end of this process, and then the failure of the execution.
    if (!isListening(program.pid, port)) await sleep(ENDS_WITHIN_MS);
    return failed(`the request failed: ${error.message}`);
  }
}

function textOf(content) {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content), isBase64Encoded: false };
  } catch {
    return { text: content.toString('base64'), isBase64Encoded: true };
  }
}

function failed(problem, retryAfter) {
  const message = `function invocation exception, error: ${problem}`;
  return { failure: { kind: 'function', code: 4002, errorType: 'HttpError', message, stackTrace: [], ...hintsOf(undefined, retryAfter) } };
}
