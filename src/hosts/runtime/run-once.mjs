import { HandlerContext } from './context.mjs';
import { INITIALIZING, loadHandler } from './load.mjs';
import { describe, runHandler } from './outcome.mjs';

/**
 * The program of `sequent run`: one execution of a handler in a terminal. The output of the handler goes to stderr as it is written.
 *
 * It receives the execution as a message, and sends the outcome with its duration and the memory that the process used.
 */

let startedAt = performance.now();
let isLoaded = false;

process.once('message', async ({ handler: spec, execution }) => {
  const print = (text) => process.stderr.write(text);
  const createContext = () => new HandlerContext({ ...execution, requestId: '', attempt: 0, qualifier: 'latest' }, print);
  const loaded = await loadHandler(spec, { createContext });
  if (loaded.failure !== undefined) return end({ failure: loaded.failure });
  isLoaded = true;
  process.send({ type: 'started' });
  startedAt = performance.now();
  end(await runHandler(loaded.handler, execution.payload, new HandlerContext(execution, print)));
});

process.on('uncaughtException', (thrown) => {
  const facts = isLoaded ? { code: 4002, prefix: 'function invocation exception, error: ' } : { code: 4201, prefix: INITIALIZING };
  end({ failure: describe(thrown, facts) });
});

function end(outcome) {
  const durationInMs = performance.now() - startedAt;
  const memoryInBytes = process.resourceUsage().maxRSS * 1_024;
  process.send({ type: 'ended', outcome, durationInMs, memoryInBytes }, () => process.exit());
}
