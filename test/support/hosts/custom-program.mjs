import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { HandlerContext } from './context.mjs';
import { loadHandler } from './load.mjs';
import { runHandler } from './outcome.mjs';

/** Serves the functions of a file as the program of a custom runtime does: it polls for events, and posts results. `bootstraps.ts` places it. */

const { RUNTIME_API_ADDR, RUNTIME_HANDLER, RUNTIME_INITIALIZER, RUNTIME_FUNC_NAME, RUNTIME_TIMEOUT, RUNTIME_MEMORY, RUNTIME_USERDATA } =
  process.env;
const agent = new Agent({ keepAlive: true });

function ask(method, path, body) {
  return new Promise((resolve, reject) => {
    const sent = request(`http://${RUNTIME_API_ADDR}/v1/runtime/${path}`, { method, agent }, async (response) => {
      const chunks = await response.toArray();
      resolve({ headers: response.headers, text: Buffer.concat(chunks).toString() });
    });
    sent.on('error', reject).end(body);
  });
}

/** The message of a failure without the words that the worker adds. */
export function messageOf({ message }) {
  return message.replace(/^function (?:initialization exception|invocation exception, error|entry exception, error): /, '');
}

function post(path, { errorType, stackTrace, retryable, retryAfterInMs, ...failure }) {
  const errorMessage = messageOf(failure);
  const retryAfter = retryAfterInMs === undefined ? undefined : retryAfterInMs / 1_000;
  return ask('POST', path, JSON.stringify({ errorType, errorMessage, stackTrace, retryable, retryAfter }));
}

const definition = {
  name: RUNTIME_FUNC_NAME,
  timeoutInMs: Number(RUNTIME_TIMEOUT) * 1_000,
  memoryInMb: Number(RUNTIME_MEMORY),
  userData: JSON.parse(RUNTIME_USERDATA),
};
export const contextOf = (requestId, attempt) =>
  new HandlerContext({ definition, requestId, attempt, qualifier: 'latest', functionUrn: '' }, (text) => process.stdout.write(text));

/** Loads the function that the environment names. A handler that waits for nothing must not end the program. */
export async function loadFunction(url) {
  setInterval(() => {}, 60_000);
  const spec = { file: fileURLToPath(url), export: RUNTIME_HANDLER, initializer: RUNTIME_INITIALIZER };
  return await loadHandler(spec, { createContext: () => contextOf('', 0) });
}

/** A pipe takes output later than `write` returns. Output that arrives after the result belongs to no execution. */
export async function printed() {
  await new Promise((resolve) => process.stdout.write('', resolve));
}

export async function serve(url) {
  const { handler, failure } = await loadFunction(url);
  if (failure !== undefined) {
    await post('init/error', failure);
    process.exit(1);
  }
  for (;;) {
    const { headers, text } = await ask('GET', 'invocation/request');
    const id = headers['x-cff-request-id'];
    const context = contextOf(id, Number(headers['x-sequent-attempt']));
    if (RUNTIME_HANDLER === 'untilAborted') void ask('GET', `invocation/abort/${id}`).then(() => HandlerContext.abort(context));
    const outcome = await runHandler(handler, text, context);
    await printed();
    if (outcome.failure === undefined) await ask('POST', `invocation/response/${id}`, outcome.payload);
    else await post(`invocation/error/${id}`, outcome.failure);
  }
}
