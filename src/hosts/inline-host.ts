import type { Failure } from '#machines/facts.ts';
import { countLines, livePartsOf, type RunningOutput } from '#src/core/output/live-output.ts';
import type { Redact } from '#src/core/output/redaction.ts';
import type { Execution, ExecutionResult, ExecutionSignal, FunctionHost } from '#src/core/ports/function-host.ts';
import { aborted, failed, noHandler, returned, timedOut } from './failures.ts';
import { finishOutput } from './finish-output.ts';
import { HandlerContext } from './runtime/context.mjs';
import { type Handler, runHandler } from './runtime/outcome.mjs';
import { appendOutput, keptBytesOf } from './runtime/output.mjs';

/** Calls back after `ms`; returns the function that cancels the call. Injected, so that timeouts work under virtual time. */
export type After = (ms: number, callback: () => void) => () => void;

const realAfter: After = (ms, callback) => {
  const timer = setTimeout(callback, ms);
  return () => clearTimeout(timer);
};

/**
 * Runs handlers of this process, by the name of the function.
 *
 * At the timeout, or when the execution is aborted, `context.signal` aborts and the failure is reported. A handler that ignores the signal
 * continues, and a busy loop cannot be interrupted. Only the lines of `context.getLogger()` are captured as output.
 */
export function createInlineHost(handlers: ReadonlyMap<string, Handler>, after: After = realAfter, redact?: Redact): FunctionHost {
  /** The running executions that printed something. */
  const printing = new Set<RunningOutput & { name: string }>();

  function run(handler: Handler, execution: Execution, signal: ExecutionSignal): Promise<ExecutionResult> {
    return new Promise((resolve) => {
      const { definition } = execution;
      const { timeoutInMs } = definition;
      const { requestId, attempt } = execution;
      const printed = { output: '', lines: 0, isCut: false };
      const one = { name: definition.name, requestId, attempt, printed };
      const context = new HandlerContext(execution, (text) => {
        const output = appendOutput(printed.output, text, keptBytesOf(definition));
        printed.isCut ||= output.length < printed.output.length + text.length;
        printed.lines += countLines(text);
        printed.output = output;
        // What a handler prints after its end belongs to no attempt.
        if (!isOver) printing.add(one);
      });
      let isOver = false;
      const cancelTimeout = after(timeoutInMs, () => abort(timedOut(timeoutInMs)));
      signal.addEventListener('abort', onAbort);

      function end(result: ExecutionResult): void {
        isOver = true;
        printing.delete(one);
        cancelTimeout();
        signal.removeEventListener('abort', onAbort);
        resolve(finishOutput(result, { definition, redact }));
      }
      function abort(failure: Failure): void {
        end(failed(failure, printed.output));
        HandlerContext.abort(context);
      }
      function onAbort(): void {
        abort(aborted());
      }
      void runHandler(handler, execution.payload, context).then((outcome) => {
        end(outcome.failure === undefined ? returned(outcome.payload, printed.output) : failed(outcome.failure, printed.output));
      });
    });
  }

  return {
    async execute(execution, signal) {
      const { name } = execution.definition;
      const handler = handlers.get(name);
      if (handler === undefined) return failed(noHandler(`no handler with the name "${name}" is registered in this process`));
      return signal.aborted ? failed(aborted()) : run(handler, execution, signal);
    },
    live: (question) =>
      livePartsOf(
        [...printing].filter(({ name }) => name === question.function),
        question,
        redact,
      ),
    async close() {},
  };
}
