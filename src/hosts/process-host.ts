import { functionUrn, type Place } from '#src/core/envelope.ts';
import type { FunctionDefinition } from '#src/core/function-definition.ts';
import type { Execution, ExecutionResult, FunctionHost } from '#src/core/function-host.ts';
import { createAbortWatch } from './abort-watch.ts';
import { aborted, failed, unavailable } from './failures.ts';
import { FunctionProcess, type ProcessLimits, type ProcessObserver } from './function-process.ts';
import { createProcessNursery } from './process-nursery.ts';
import { ProcessPool } from './process-pool.ts';
import type { Task } from './task.ts';
import { type Activity, createTicker } from './ticker.ts';

export type ProcessHostOptions = {
  /** Where the functions are said to be, as far as an initializer asks. */
  place?: Place;
  /** At most this many processes of one function, whatever its concurrency. */
  maxProcessesPerFunction?: number;
  /** A process without work ends after this time; none is kept for ever. */
  idleInMs?: number;
  /** How many executions one process serves before another takes its place. */
  recycleAfter?: number;
  /** How long loading, and likewise the initializer, may take. */
  startTimeoutInMs?: number;
  /** How long a handler whose execution was given up has to notice before its process is killed. */
  abortGraceInMs?: number;
  /** The Node.js executable. */
  command?: string;
};

/**
 * Runs FunctionGraph-style Node.js handlers in child processes, one pool per function and revision.
 *
 * A process holds no secret of this one: its environment is empty but for the user data, its directory is its own, and it is killed
 * with its process group at the timeout, over the memory limit, on `close()`, and when this process is gone. That is isolation for
 * the operator's own code, not for a hostile tenant: the process has the user, the network and the files of this one, and a
 * descendant that makes a session of its own escapes the group.
 */
export function createProcessHost(options: ProcessHostOptions = {}): FunctionHost {
  const { maxProcessesPerFunction = 16, idleInMs = 60_000, recycleAfter = Number.POSITIVE_INFINITY } = options;
  const {
    place = { region: 'local', project: 'default' },
    startTimeoutInMs = 60_000,
    abortGraceInMs = 1_000,
    command = process.execPath,
  } = options;
  const limits: ProcessLimits = { startTimeoutInMs, abortGraceInMs };
  const pools = new Map<string, ProcessPool>();
  const nursery = createProcessNursery(command);
  const watchAbort = createAbortWatch();
  const ticker = createTicker(tick, idleInMs);
  let isClosed = false;

  function poolOf(definition: FunctionDefinition, revision: number): ProcessPool {
    const key = keyOf(definition.name, revision);
    const existing = pools.get(key);
    if (existing !== undefined) return existing;
    for (const [other, pool] of pools) if (isOlder(other, definition.name, revision)) pool.drain();
    const pool = new ProcessPool({
      definition,
      maxProcesses: Math.min(definition.concurrency, maxProcessesPerFunction),
      idleInMs,
      recycleAfter,
      start: (observer) => startProcess(definition, observer),
    });
    pools.set(key, pool);
    return pool;
  }

  function startProcess(definition: FunctionDefinition, observer: ProcessObserver): FunctionProcess {
    const urn = functionUrn(place, definition.name, 'latest');
    return new FunctionProcess({ definition, functionUrn: urn, limits, observer, open: (events) => nursery.open(definition, events) });
  }

  function tick(now: number): Activity {
    let isBusy = false;
    for (const [key, pool] of pools) {
      pool.check(now);
      if (pool.isEmpty) pools.delete(key);
      else isBusy ||= pool.isBusy;
    }
    if (isBusy) return 'busy';
    return pools.size > 0 ? 'idle' : 'empty';
  }

  return {
    execute(execution, signal) {
      if (isClosed || signal.aborted) return Promise.resolve(failed(aborted()));
      const { kind } = execution.definition.handler;
      if (kind !== 'process') return Promise.resolve(failed(unavailable(`a process host cannot run a handler of kind "${kind}"`)));
      return new Promise((resolve) => {
        const pool = poolOf(execution.definition, execution.revision);
        const task = createTask(execution, (result) => {
          unwatch();
          resolve(result);
        });
        const unwatch = watchAbort(signal, () => pool.abort(task));
        pool.submit(task);
        ticker.wake();
      });
    },
    warm(definition, revision) {
      if (isClosed || definition.handler.kind !== 'process') return;
      poolOf(definition, revision).warm();
      ticker.wake();
    },
    async close() {
      isClosed = true;
      ticker.stop();
      await Promise.all([...pools.values()].map((pool) => pool.close()));
      await nursery.close();
    },
  };
}

function keyOf(name: string, revision: number): string {
  return `${name}@${revision}`;
}

function isOlder(key: string, name: string, revision: number): boolean {
  return key.startsWith(`${name}@`) && Number(key.slice(name.length + 1)) < revision;
}

function createTask(execution: Execution, onSettled: (result: ExecutionResult) => void): Task {
  const task: Task = {
    execution,
    queuedAt: performance.now(),
    moves: 0,
    isAborted: false,
    isSettled: false,
    settle(result) {
      if (task.isSettled) return;
      task.isSettled = true;
      onSettled(result);
    },
  };
  return task;
}
