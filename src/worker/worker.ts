import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import type { FunctionEntry } from '#src/core/functions/entry.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { createExecutions } from './executions.ts';
import { type FunctionWorker, startFunctionWorker } from './function-worker.ts';
import { createLogWindow } from './log-window.ts';
import type { WorkerPorts } from './ports.ts';

/** The worker role: executes functions, and records in the log what came of it. */
export interface Worker {
  /**
   * Takes nothing more, finishes what runs, hands back what has not begun. Executions that are still running after
   * `graceInMs` are given up, recorded as cut short, and run again elsewhere.
   */
  stop(graceInMs: number): Promise<void>;
}

export type WorkerOptions = WorkerPorts & {
  functions: { subscribe(listener: (name: FunctionName, found: FunctionEntry | undefined) => void): void };
  /** Whether this worker can run the function: a worker in the user's own process runs what is registered there. */
  canRun: (definition: FunctionDefinition) => boolean;
};

export function startWorker({ functions, canRun, ...ports }: WorkerOptions): Worker {
  const { worker, executionProbe, queue, logger, host } = ports;
  const executions = createExecutions();
  const window = createLogWindow();
  const working = new Map<FunctionName, FunctionWorker>();
  const stopping = new AbortController();
  const leases = setInterval(() => {
    for (const functionWorker of working.values()) functionWorker.keepLeases();
  }, queue.leaseInMs / 3);

  executionProbe.answer(worker, executions.isRunning, stopping.signal);
  ports.cancellations.hear(worker, executions.cancel, stopping.signal);
  functions.subscribe((name, found) => {
    if (stopping.signal.aborted) return;
    const present = working.get(name);
    const fn = found !== undefined && canRun(found.definition) ? found : undefined;
    if (fn === undefined) {
      working.delete(name);
      void present?.stop();
    } else if (present === undefined) {
      working.set(name, startFunctionWorker({ ports, executions, window }, fn));
      logger.debug({ function: name }, 'working for a function');
    } else present.update(fn);
  });

  return {
    async stop(graceInMs) {
      const grace = setTimeout(() => executions.abort(), graceInMs);
      await Promise.all([...working.values()].map((functionWorker) => functionWorker.stop()));
      clearTimeout(grace);
      clearInterval(leases);
      // Last: until here other workers are told that our executions run.
      stopping.abort();
      await host.close();
    },
  };
}
