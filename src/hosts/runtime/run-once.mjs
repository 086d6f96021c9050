import { HandlerContext } from './context.mjs';
import { INITIALIZING, loadHandler } from './load.mjs';
import { describe, MAX_RESULT_BYTES, runHandler } from './outcome.mjs';

/**
 * The program of `sequent run`: one execution of a handler in a terminal. The output of the handler goes to stderr as it is written.
 *
 * It receives the execution as a message, and sends the outcome with its duration and the memory that the process used.
 */

/** The module that runs the code when it is no module of Node: `custom.mjs`. */
const [adapter] = process.argv.splice(2);
if (adapter !== undefined) process.once('SIGTERM', exit);
let startedAt = performance.now();
let isLoaded = false;

process.once('message', async ({ handler: spec, execution }) => {
  const print = (text) => process.stderr.write(text);
  const createContext = () => new HandlerContext({ ...execution, requestId: '', attempt: 0, qualifier: 'latest' }, print);
  const load = adapter === undefined ? loadHandler : (await import(adapter)).loadHandler;
  const loaded = await load({ ...spec, ...execution, maxResultBytes: MAX_RESULT_BYTES }, { createContext, onLoaded: () => {}, end: exit });
  if (loaded.failure !== undefined) return end({ failure: loaded.failure });
  isLoaded = true;
  process.send({ type: 'started' });
  startedAt = performance.now();
  const { handler, run = runHandler } = loaded;
  end(await run(handler, execution.payload, new HandlerContext(execution, print)));
});

process.on('uncaughtException', (thrown) => {
  const facts = isLoaded ? { code: 4002, prefix: 'function invocation exception, error: ' } : { code: 4201, prefix: INITIALIZING };
  end({ failure: describe(thrown, facts) });
});

/** Ends this process, and the program below it. */
function exit(code) {
  process.exit(typeof code === 'number' ? code : 1);
}

function end(outcome) {
  const durationInMs = performance.now() - startedAt;
  const memoryInBytes = process.resourceUsage().maxRSS * 1_024;
  process.send({ type: 'ended', outcome, durationInMs, memoryInBytes }, () => process.exit());
}
