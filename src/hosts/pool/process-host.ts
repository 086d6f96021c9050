import { totalmem } from 'node:os';
import { messageOf } from '#src/core/errors.ts';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import { livePartsOf } from '#src/core/output/live-output.ts';
import type { Redact } from '#src/core/output/redaction.ts';
import type { Execution, ExecutionResult, ExecutionSignal, FunctionHost } from '#src/core/ports/function-host.ts';
import type { ProcessorUse } from '#src/core/ports/questions/role-instances.ts';
import { threadTime } from '#src/core/quotas/thread-time.ts';
import { aborted, failed, refusedByFunction, unavailable } from '#src/hosts/failures.ts';
import { finishLargeOutput, finishOutput, LARGE_OUTPUT, type RedactLarge } from '#src/hosts/finish-output.ts';
import type { Cgroups } from '#src/hosts/isolation/cgroups.ts';
import { type Isolation, noIsolation } from '#src/hosts/isolation/isolation.ts';
import type { PackageCache } from '#src/hosts/packages/package-cache.ts';
import { createProcessLauncher } from '#src/hosts/process/process-launcher.ts';
import { RUNTIME_MEMORY_IN_MB } from '#src/hosts/process/process-resources.ts';
import type { Sent } from '#src/hosts/process/sent-executions.ts';
import { Task } from '#src/hosts/process/task.ts';
import { createTicker } from '#src/hosts/process/ticker.ts';
import { createHostRuntimes } from '#src/hosts/runtimes/runtimes.ts';
import { FEW_PROCESSES, type ProcessPool } from './process-pool.ts';
import { type MemoryBudget, ProcessPools } from './process-pools.ts';
import { DEFAULT_PROJECT_PROCESSORS, type ProcessorQuota } from './processor-budget.ts';

/** Half of the memory of this machine, or of its container. */
export const DEFAULT_PROJECT_MEMORY_IN_MB = Math.floor(Math.min(totalmem(), process.constrainedMemory() || totalmem()) / 2 / 1_048_576);

/** The processes of one function have half of the memory of this machine. */
const MOST_PROCESSES = Math.max(FEW_PROCESSES, Math.floor(DEFAULT_PROJECT_MEMORY_IN_MB / RUNTIME_MEMORY_IN_MB));

export type ProcessHostOptions = {
  /** The region and project in the URN that an initializer sees. */
  tenancy?: Tenancy;
  /** The code of functions that are packages. Closed with the host. */
  packages?: PackageCache;
  /** How the code of other projects is isolated; by default it is not. */
  isolation?: Isolation;
  /** Where the kernel counts the memory and the processes of each function process; by default they are counted from `/proc`. */
  cgroups?: Cgroups | undefined;
  /** The memory of the processes of each other project together; by default half of the machine's. */
  memoryOfProject?: MemoryBudget;
  /** The processors that the processes of each other project may use together; by default half of the machine's. */
  processorsOfProject?: ProcessorQuota;
  /** Whether a function still exists; by default it does. The processes of a deleted one end within a second, once they have no work. */
  isDefined?: (functionName: string) => boolean;
  /** The maximum of processes of one function, whatever its concurrency; by default as many as half of the memory has room for. */
  maxProcessesPerFunction?: number;
  /** A process without work ends after this time. */
  idleInMs?: number;
  /** How many executions one process serves before another process replaces it. */
  recycleAfter?: number;
  /** How long loading, and likewise the initializer, may take. */
  startTimeoutInMs?: number;
  /** How long an aborted handler may continue before its process is killed. */
  abortGraceInMs?: number;
  /** Hides the secrets in output; by default they stay. */
  redact?: Redact | undefined;
  /** The same for outputs of more than 64 KB, in another thread. By default those are looked through here too. */
  redactLarge?: RedactLarge | undefined;
  /** The port of the debugger of a function; `undefined` for none. A second process of the function finds the port taken, and has none. */
  inspectorPort?: ((functionName: string) => number | undefined) | undefined;
  /** The Node.js executable. */
  command?: string;
  /** The Python executable; by default the one that a function names, else `python3`. */
  python?: string | undefined;
};

export interface ProcessHost extends FunctionHost {
  /** What each other project used of the processors since the start. */
  processorUse(): ProcessorUse[];
}

/**
 * Runs FunctionGraph-style handlers in child processes, with one pool for each version of a function.
 *
 * 1. A child gets no secret of this process: its environment holds only the user data, and its directory is its own.
 * 2. A child is killed with its process group at the timeout, over the memory limit, on `close()`, and when this process is gone.
 * 3. Code of another project runs in a sandbox that `isolation` names, or not at all.
 * 4. Code of the own project is the operator's: a child has the user, the network and the files of this process, and a descendant that
 *    starts its own session escapes the group.
 */
export function createProcessHost(options: ProcessHostOptions = {}): ProcessHost {
  const { packages, isolation = noIsolation, idleInMs = 60_000, redact, redactLarge } = options;
  const launcher = createProcessLauncher(options);
  const pools = new ProcessPools({
    tenancy: options.tenancy ?? { region: 'local', project: 'default' },
    packages,
    runtimes: createHostRuntimes(options),
    launcher,
    isolation,
    limits: { startTimeoutInMs: options.startTimeoutInMs ?? 60_000, abortGraceInMs: options.abortGraceInMs ?? 1_000 },
    maxProcessesPerFunction: options.maxProcessesPerFunction ?? MOST_PROCESSES,
    idleInMs,
    isDefined: options.isDefined ?? (() => true),
    recycleAfter: options.recycleAfter ?? Number.POSITIVE_INFINITY,
    memory: options.memoryOfProject ?? (() => DEFAULT_PROJECT_MEMORY_IN_MB),
    processors: options.processorsOfProject ?? (() => DEFAULT_PROJECT_PROCESSORS),
  });
  const ticker = createTicker((now) => pools.check(now), idleInMs);
  let isClosed = false;

  function run(pool: ProcessPool, execution: Execution, signal: ExecutionSignal): Promise<ExecutionResult> {
    if (isClosed || signal.aborted) return Promise.resolve(failed(aborted()));
    return new Promise((resolve) => {
      const task = new Task(execution, (result) => {
        signal.removeEventListener('abort', task.onAbort);
        const { definition } = execution;
        const isLarge = result.output !== undefined && result.output.length > LARGE_OUTPUT;
        if (isLarge && redactLarge !== undefined) resolve(finishLargeOutput(result, { definition, redact, redactLarge }));
        else resolve(threadTime.spendOn(definition.name, () => finishOutput(result, { definition, redact })));
      });
      // A property, and no constant: tsx gives the function of a constant its name, which costs a call of the runtime each time.
      task.onAbort = () => pool.abort(task);
      signal.addEventListener('abort', task.onAbort);
      pool.submit(task);
      ticker.wake();
    });
  }

  function warm(pool: ProcessPool): void {
    if (isClosed) return;
    pool.warm();
    ticker.wake();
  }

  return {
    execute(execution, signal) {
      if (isClosed || signal.aborted) return Promise.resolve(failed(aborted()));
      const { kind } = execution.definition.handler;
      if (kind !== 'process') return Promise.resolve(failed(unavailable(`a process host cannot run a handler of kind "${kind}"`)));
      const refusal = isolation.refuse(execution.definition);
      if (refusal !== undefined) return Promise.resolve(failed(refusedByFunction({ errorType: 'IsolationMissing', message: refusal })));
      const found = pools.poolOf(execution);
      if (!(found instanceof Promise)) return run(found, execution, signal);
      return found.then(
        (pool) => run(pool, execution, signal),
        (error: unknown) => failed(unavailable(messageOf(error))),
      );
    },
    warm(definition, version) {
      if (isClosed || definition.handler.kind !== 'process' || isolation.refuse(definition) !== undefined) return;
      void Promise.resolve(pools.poolOf({ definition, version })).then(warm, () => {});
    },
    live(question) {
      return livePartsOf(pools.runningOf(question.function).map(runningPart), question, redact);
    },
    processorUse: () => pools.processorUse,
    async close() {
      isClosed = true;
      ticker.stop();
      await pools.close();
      await launcher.close();
      await packages?.close();
    },
  };
}

/** The running execution, as a reader of its output asks for it. */
function runningPart(printed: Sent) {
  const { requestId, attempt } = printed.task.execution;
  return { requestId, attempt, printed };
}
