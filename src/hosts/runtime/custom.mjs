import { createServer } from 'node:http';
import { INITIALIZING } from './load.mjs';
import { hintsOf } from './outcome.mjs';
import { drained } from './output.mjs';
import { hasSocket, hexadecimalEnd, memoryOfTree, readBody, startProgram } from './program.mjs';

/**
 * FunctionGraph's custom runtime: the program polls for events at an HTTP address, `RUNTIME_API_ADDR`, and posts results there.
 *
 * Beyond the vendor's API, `init/error` reports why the program cannot start, and `invocation/abort/<id>` is answered when the execution is aborted.
 */

const ADDRESS = '127.0.0.1';
const THREW = 'function invocation exception, error: ';
/** The longest description of an error. The worker cuts its texts further. */
const MAX_ERROR_BYTES = 65_536;
/** Polls that wait at one moment. One more is refused with 429. */
const MAX_POLLS = 64;

/** Starts the program, and resolves once it polls: to how it runs, or to a failure. */
export async function loadHandler(spec, { onLoaded, createContext, end }) {
  const api = new RuntimeApi(spec.maxResultBytes);
  const server = createServer((request, response) => void api.answer(request, response));
  Object.assign(server, { requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 });
  let program;
  // Another process of this machine may find the port. It learns and changes nothing.
  server.on('connection', (socket) => {
    if (program?.pid === undefined || !isFrom(program.pid, socket)) socket.destroy();
  });
  await new Promise((resolve) => server.listen(0, ADDRESS, resolve));
  const environment = { RUNTIME_API_ADDR: `${ADDRESS}:${server.address().port}` };
  program = startProgram(spec, { context: createContext(), environment, isReady: () => api.isReady, end });
  if (program.pid !== undefined) onLoaded();
  const failed = await Promise.race([api.ready, program.failed]);
  return (
    failed ?? { handler: api, run: (_handler, payload, context) => api.run(payload, context), memoryInMb: () => memoryOfTree(program.pid) }
  );
}

function isFrom(pid, { remoteAddress, remotePort, localPort }) {
  if (remoteAddress === undefined) return false;
  return hasSocket(pid, hexadecimalEnd(remotePort, remoteAddress), hexadecimalEnd(localPort, ADDRESS));
}

/** The requests of the program, and the execution in progress that they are about. */
class RuntimeApi {
  isReady = false;
  #maxResultBytes;
  #start;
  /** Resolves at the first poll, or to a failure. */
  ready = new Promise((resolve) => {
    this.#start = resolve;
  });
  /** The execution in progress; `isTaken` once the program has its event. */
  #current;
  #polls = new Set();
  #routes = {
    'GET invocation/request': (_request, response) => this.#poll(response),
    'POST invocation/response': (request, response, id) => this.#settle(response, id, () => this.#valueIn(request)),
    'POST invocation/error': (request, response, id) =>
      this.#settle(response, id, async () => ({ failure: await readFailure(request, { code: 4002, prefix: THREW }) })),
    'POST init/error': (request, response) => this.#fail(request, response),
    'GET invocation/abort': (_request, response, id) => this.#awaitAbort(response, id),
  };

  constructor(maxResultBytes) {
    this.#maxResultBytes = maxResultBytes;
  }

  async answer(request, response) {
    const [, path, id] = /^\/v1\/runtime\/([a-z]+\/[a-z]+)(?:\/([^/?]+))?$/.exec(request.url) ?? [];
    const route = `${request.method} ${path}`;
    try {
      if (Object.hasOwn(this.#routes, route)) await this.#routes[route](request, response, id);
      else reply(response, 404, { errorMessage: `${request.method} ${request.url} is unknown` });
    } catch {
      // The program closed the connection before the end of its request.
      response.destroy();
    }
  }

  run(payload, context) {
    let resolve;
    const settled = new Promise((settle) => {
      resolve = settle;
    });
    this.#current = { payload: payload === '' ? '{}' : payload, context, resolve, settled, isTaken: false };
    this.#giveEvent();
    return settled;
  }

  #poll(response) {
    if (this.#polls.size >= MAX_POLLS) return reply(response, 429, { errorMessage: `${MAX_POLLS} requests wait for an event already` });
    this.#polls.add(response);
    response.on('close', () => this.#polls.delete(response));
    this.isReady = true;
    this.#start();
    this.#giveEvent();
  }

  #giveEvent() {
    const [response] = this.#polls;
    if (response === undefined || this.#current === undefined || this.#current.isTaken) return;
    this.#polls.delete(response);
    this.#current.isTaken = true;
    const { context, payload } = this.#current;
    response.setHeader('X-Cff-Request-Id', context.requestId);
    response.setHeader('X-Cff-Invoke-Type', 'async');
    response.setHeader('X-Sequent-Attempt', context.attempt);
    if (context.traceparent) response.setHeader('traceparent', context.traceparent);
    send(response, payload);
  }

  async #settle(response, id, read) {
    const execution = this.#current;
    if (!execution?.isTaken || execution.context.requestId !== id) return refuseId(response, id);
    const outcome = await read();
    // Another answer was read meanwhile.
    if (this.#current !== execution) return refuseId(response, id);
    this.#current = undefined;
    await drained();
    execution.resolve(outcome);
    reply(response, 200, { status: 'OK' });
  }

  async #valueIn(request) {
    const { content, droppedBytes } = await readBody(request, this.#maxResultBytes);
    return { payload: content.toString(), droppedBytes };
  }

  async #fail(request, response) {
    this.#start({ failure: await readFailure(request, { code: 4201, prefix: INITIALIZING }) });
    reply(response, 200, { status: 'OK' });
  }

  #awaitAbort(response, id) {
    const execution = this.#current;
    if (execution?.context.requestId !== id) return refuseId(response, id);
    const { signal } = execution.context;
    const onAbort = () => reply(response, 200, { status: 'aborted' });
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort);
    void execution.settled.then(() => {
      signal.removeEventListener('abort', onAbort);
      if (!response.writableEnded) reply(response, 200, { status: 'ended' });
    });
  }
}

function refuseId(response, id) {
  reply(response, 400, { errorMessage: `${id} is not the request in progress` });
}

function reply(response, status, body) {
  response.statusCode = status;
  send(response, JSON.stringify(body));
}

/** Sends head and body together: a head that is written first is followed by a body in chunks, which halved the rate of executions. */
function send(response, body) {
  response.sendDate = false;
  response.setHeader('Content-Type', 'application/json');
  response.end(body);
}

/** `{"errorType","errorMessage"}`, optionally with `stackTrace`, `retryable` and `retryAfter`. Another text is the message. */
async function readFailure(request, { code, prefix }) {
  const { content } = await readBody(request, MAX_ERROR_BYTES);
  const { errorType, errorMessage, stackTrace, retryable, retryAfter } = fieldsOf(content.toString());
  const isMissing = code === 4201 && errorType === 'FunctionEntryMissing';
  return {
    kind: 'function',
    code: isMissing ? 4001 : code,
    errorType: typeof errorType === 'string' && errorType !== '' ? errorType.slice(0, 128) : 'Error',
    message: `${isMissing ? '' : prefix}${errorMessage ?? ''}`.slice(0, 4_096),
    stackTrace: Array.isArray(stackTrace) ? stackTrace.slice(0, 32).map((line) => String(line).slice(0, 512)) : [],
    ...hintsOf(retryable, retryAfter),
  };
}

function fieldsOf(text) {
  try {
    const fields = JSON.parse(text);
    return typeof fields === 'object' && fields !== null ? fields : { errorMessage: text };
  } catch {
    return { errorMessage: text };
  }
}
