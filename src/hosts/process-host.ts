import { join } from 'node:path';
import { messageOf } from '#src/core/errors.ts';
import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import { functionUrn } from '#src/core/names/tenancy.ts';
import type { Execution, ExecutionResult, FunctionHost } from '#src/core/ports/function-host.ts';
import { aborted, failed, unavailable } from './failures.ts';
import { FunctionProcess, type ProcessLimits, type ProcessObserver } from './function-process.ts';
import type { PackageCache } from './package-cache.ts';
import { createProcessNursery } from './process-launcher.ts';
import { ProcessPool } from './process-pool.ts';
import type { Task } from './task.ts';
import { type Activity, createTicker } from './ticker.ts';

export type ProcessHostOptions = {
  /** Where the functions are said to be, as far as an initializer asks. */
  tenancy?: Tenancy;
  /** The code of functions that are no files of this machine. Closed with the host. */
  packages?: PackageCache;
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
 * Runs FunctionGraph-style Node.js handlers in child processes, one pool for each version of a function.
 *
 * A process holds no secret of this one: its environment is empty but for the user data, its directory is its own, and it is killed
 * with its process group at the timeout, over the memory limit, on `close()`, and when this process is gone. That is isolation for
 * the operator's own code, not for a hostile tenant: the process has the user, the network and the files of this one, and a
 * descendant that makes a session of its own escapes the group.
 */
export function createProcessHost(options: ProcessHostOptions = {}): FunctionHost {
  const { maxProcessesPerFunction = 16, idleInMs = 60_000, recycleAfter = Number.POSITIVE_INFINITY } = options;
  const {
    tenancy = { region: 'local', project: 'default' },
    packages,
    startTimeoutInMs = 60_000,
    abortGraceInMs = 1_000,
    command = process.execPath,
  } = options;
  const limits: ProcessLimits = { startTimeoutInMs, abortGraceInMs };
  const pools = new Map<string, Pool>();
  const nursery = createProcessNursery(command);
  const ticker = createTicker(tick, idleInMs);
  let isClosed = false;

  function addPool(key: PoolKey, { definition, version }: Runnable, release: () => void): Pool {
    // What is left of the version before it was changed, if it can be changed.
    for (const [other, { pool }] of pools) if (other.startsWith(key.slice(0, key.indexOf('#') + 1))) pool.drain();
    const pool = new ProcessPool({
      definition,
      maxProcesses: Math.min(definition.concurrency, maxProcessesPerFunction),
      idleInMs,
      recycleAfter,
      start: (observer) => startProcess(definition, version, observer),
    });
    const added = { pool, release };
    pools.set(key, added);
    return added;
  }

  /** Only the first execution of a package waits for it. */
  function poolOf(execution: Runnable): Pool | Promise<Pool> {
    const key = poolKeyOf(execution);
    const existing = pools.get(key);
    if (existing !== undefined) return existing;
    const { handler } = execution.definition;
    if (handler.kind !== 'process' || handler.package === undefined) return addPool(key, execution, () => {});
    return fetchPool(key, execution, { ...handler, package: handler.package });
  }

  async function fetchPool(key: PoolKey, execution: Runnable, { package: digest, ...handler }: PackagedHandler): Promise<Pool> {
    if (packages === undefined) throw new Error('this worker has no store of code packages');
    const { folder, release } = await packages.open(digest);
    const existing = pools.get(key);
    if (existing !== undefined || isClosed) release();
    if (existing !== undefined) return existing;
    const located = { ...execution.definition, handler: { ...handler, file: join(folder, handler.file) } };
    return addPool(key, { ...execution, definition: located }, release);
  }

  function startProcess(definition: FunctionDefinition, version: string, observer: ProcessObserver): FunctionProcess {
    const urn = functionUrn(tenancy, definition.name, version);
    return new FunctionProcess({ definition, functionUrn: urn, limits, observer, open: (events) => nursery.open(definition, events) });
  }

  function tick(now: number): Activity {
    let isBusy = false;
    for (const [key, { pool, release }] of pools) {
      pool.check(now);
      if (pool.isEmpty) {
        pools.delete(key);
        release();
      } else isBusy ||= pool.isBusy;
    }
    if (isBusy) return 'busy';
    return pools.size > 0 ? 'idle' : 'empty';
  }

  function run({ pool }: Pool, execution: Execution, signal: AbortSignal): Promise<ExecutionResult> {
    if (isClosed || signal.aborted) return Promise.resolve(failed(aborted()));
    return new Promise((resolve) => {
      const task = createTask(execution, (result) => {
        signal.removeEventListener('abort', onAbort);
        resolve(result);
      });
      const onAbort = () => pool.abort(task);
      signal.addEventListener('abort', onAbort);
      pool.submit(task);
      ticker.wake();
    });
  }

  return {
    execute(execution, signal) {
      if (isClosed || signal.aborted) return Promise.resolve(failed(aborted()));
      const { kind } = execution.definition.handler;
      if (kind !== 'process') return Promise.resolve(failed(unavailable(`a process host cannot run a handler of kind "${kind}"`)));
      const found = poolOf(execution);
      if (!(found instanceof Promise)) return run(found, execution, signal);
      return found.then(
        (pool) => run(pool, execution, signal),
        (error: unknown) => failed(unavailable(messageOf(error))),
      );
    },
    warm(definition, version) {
      if (isClosed || definition.handler.kind !== 'process') return;
      void Promise.resolve(poolOf({ definition, version })).then(
        ({ pool }) => {
          if (isClosed) return;
          pool.warm();
          ticker.wake();
        },
        () => {},
      );
    },
    async close() {
      isClosed = true;
      ticker.stop();
      await Promise.all([...pools.values()].map(({ pool }) => pool.close()));
      await nursery.close();
      await packages?.close();
    },
  };
}

/** Which processes can serve an execution: those of the same version, with the same code, limits and user data. */
type PoolKey = `${string}#${string}`;
type Runnable = Pick<Execution, 'definition' | 'version'>;
type Pool = { pool: ProcessPool; release: () => void };
type PackagedHandler = Extract<FunctionDefinition['handler'], { kind: 'process' }> & { package: string };

/** A definition is the same object until it changes. */
const keys = new WeakMap<FunctionDefinition, { version: string; key: PoolKey }>();

function poolKeyOf({ definition, version }: Runnable): PoolKey {
  const known = keys.get(definition);
  if (known?.version === version) return known.key;
  const { name, handler, timeoutInMs, memoryInMb, userData, secretUserData, concurrency } = definition;
  const key: PoolKey = `${name}:${version}#${JSON.stringify([handler, timeoutInMs, memoryInMb, userData, secretUserData, concurrency])}`;
  keys.set(definition, { version, key });
  return key;
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
