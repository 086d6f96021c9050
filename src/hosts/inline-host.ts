import type { Failure } from '#machines/facts.ts';
import type { Execution, ExecutionResult, FunctionHost } from '#src/core/ports/function-host.ts';
import { aborted, failed, noHandler, returned, timedOut } from './failures.ts';
import { HandlerContext } from './runtime/context.mjs';
import { type Handler, runHandler } from './runtime/outcome.mjs';
import { lastBytes } from './runtime/output.mjs';

/** Calls back after `ms`; returns how to call it off. Injected, so that a timeout can come under virtual time. */
export type After = (ms: number, callback: () => void) => () => void;

const realAfter: After = (ms, callback) => {
  const timer = setTimeout(callback, ms);
  return () => clearTimeout(timer);
};

/**
 * Runs handlers of this very process, found by the name of the function.
 *
 * At the timeout, and when the execution is given up, `context.signal` aborts and the failure is reported; a handler that ignores
 * the signal runs on, and a busy loop cannot be cut at all. Only what goes to `context.getLogger()` is captured as output.
 */
export function createInlineHost(handlers: ReadonlyMap<string, Handler>, after: After = realAfter): FunctionHost {
  function run(handler: Handler, execution: Execution, signal: AbortSignal): Promise<ExecutionResult> {
    return new Promise((resolve) => {
      const { timeoutInMs } = execution.definition;
      let output = '';
      const context = new HandlerContext(execution, (text) => {
        output = lastBytes(output + text);
      });
      const callOff = after(timeoutInMs, () => giveUp(timedOut(timeoutInMs)));
      signal.addEventListener('abort', onAbort);

      function end(result: ExecutionResult): void {
        callOff();
        signal.removeEventListener('abort', onAbort);
        resolve(result);
      }
      function giveUp(failure: Failure): void {
        end(failed(failure, output));
        HandlerContext.abort(context);
      }
      function onAbort(): void {
        giveUp(aborted());
      }
      void runHandler(handler, execution.payload, context).then((outcome) => {
        end(outcome.failure === undefined ? returned(outcome.payload, output) : failed(outcome.failure, output));
      });
    });
  }

  return {
    async execute(execution, signal) {
      const { name } = execution.definition;
      const handler = handlers.get(name);
      if (handler === undefined) return failed(noHandler(`no handler of the name "${name}" is registered in this process`));
      return signal.aborted ? failed(aborted()) : run(handler, execution, signal);
    },
    async close() {},
  };
}
