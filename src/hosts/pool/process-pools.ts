import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import { projectOf } from '#src/core/names/addressable.ts';
import { functionUrn, type Tenancy } from '#src/core/names/tenancy.ts';
import type { ProcessorUse } from '#src/core/ports/questions/role-instances.ts';
import type { Isolation } from '#src/hosts/isolation/isolation.ts';
import type { Sandbox } from '#src/hosts/isolation/sandbox-command.ts';
import type { PackageCache } from '#src/hosts/packages/package-cache.ts';
import { FunctionProcess, type ProcessLimits, type ProcessObserver } from '#src/hosts/process/function-process.ts';
import type { ProcessLauncher, Program } from '#src/hosts/process/process-launcher.ts';
import { RUNTIME_MEMORY_IN_MB } from '#src/hosts/process/process-resources.ts';
import { openRestartedChild } from '#src/hosts/process/restarted-child.ts';
import type { Sent } from '#src/hosts/process/sent-executions.ts';
import type { Activity } from '#src/hosts/process/ticker.ts';
import type { HostRuntime, Interpreter } from '#src/hosts/runtimes/host-runtime.ts';
import { type HostRuntimes, hostRuntimeOf } from '#src/hosts/runtimes/runtimes.ts';
import { isSameVersion, type PoolKey, poolKeyOf, type Runnable } from './pool-key.ts';
import { ProcessPool } from './process-pool.ts';
import { type Consumer, ProcessorBudget, type ProcessorQuota } from './processor-budget.ts';

type Options = {
  tenancy: Tenancy;
  packages: PackageCache | undefined;
  runtimes: HostRuntimes;
  launcher: ProcessLauncher;
  isolation: Isolation;
  limits: ProcessLimits;
  maxProcessesPerFunction: number;
  idleInMs: number;
  /** Whether a function still exists. */
  isDefined: (functionName: string) => boolean;
  recycleAfter: number;
  memory: MemoryBudget;
  processors: ProcessorQuota;
};

/** The memory in MB that the processes of a project may have together. The own project, whose code is the operator's, has no budget. */
export type MemoryBudget = (project: string) => number;

type ProcessHandler = Extract<FunctionDefinition['handler'], { kind: 'process' }>;
type RunnableProcess = Runnable & { handler: ProcessHandler };
type Prepared = { program: Program; version: string; release: () => void };

/** The least memory of a function, as in its definition. */
const MIN_MEMORY_IN_MB = 64;
/** The maximum of processes that one process in a sandbox may have below it, those of the sandbox itself included. */
const MAX_PROCESSES = 64;

/** The pools of one host: one pool for each version of a function, and the package that its processes run. */
export class ProcessPools {
  readonly #options: Options;
  readonly #pools = new Map<
    PoolKey,
    { pool: ProcessPool; name: string; project: string | undefined; memoryInMb: number; release: () => void }
  >();
  /** The budget of each other project that ever ran a process here. */
  readonly #budgets = new Map<string, ProcessorBudget>();
  #isClosed = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /** The pool of a version. Only the first execution waits: until a package is unpacked, and the user of another project is known. */
  poolOf(runnable: Runnable): ProcessPool | Promise<ProcessPool> {
    const key = poolKeyOf(runnable);
    const present = this.#pools.get(key);
    if (present !== undefined) return present.pool;
    const { handler } = runnable.definition;
    const sandbox = this.#options.isolation.sandboxOf(runnable.definition);
    if (handler.kind !== 'process') throw new TypeError(`a handler of kind "${handler.kind}" has no processes`);
    const runtime = hostRuntimeOf(this.#options.runtimes, runnable.definition);
    const interpreter = runtime.find(runnable.definition);
    if (handler.package === undefined && sandbox === undefined && !(interpreter instanceof Promise)) {
      const program = { definition: runnable.definition, runtime, interpreter };
      return this.#add(key, { program, version: runnable.version, release: () => {} });
    }
    return this.#addPrepared(key, { ...runnable, handler }, { runtime, sandbox, interpreter });
  }

  /** Enforces the limits of all processes, and forgets empty pools. */
  check(now: number): Activity {
    let isBusy = false;
    for (const [key, { pool, name, release }] of this.#pools) {
      // A descendant that the code of a deleted function left behind ends with its process.
      if (!this.#options.isDefined(name)) pool.drain();
      pool.check(now);
      if (pool.isEmpty) {
        this.#pools.delete(key);
        release();
      } else isBusy ||= pool.isBusy;
    }
    this.#checkProcessors(now);
    if (isBusy) return 'busy';
    return this.#pools.size > 0 ? 'idle' : 'empty';
  }

  /** What each other project used of the processors. */
  get processorUse(): ProcessorUse[] {
    const now = performance.now();
    return [...this.#budgets].map(([project, budget]) => ({ project, ...budget.useAt(now) }));
  }

  /** Keeps each other project within its processor time (CPU1). */
  #checkProcessors(now: number): void {
    const consumers = new Map<string, Consumer[]>();
    for (const { pool, project } of this.#pools.values()) {
      if (project !== undefined) consumers.set(project, [...(consumers.get(project) ?? []), ...pool.consumers]);
    }
    for (const [project, own] of consumers) {
      const budget = this.#budgets.get(project) ?? new ProcessorBudget();
      this.#budgets.set(project, budget);
      budget.check(now, own, this.#options.processors(project));
    }
  }

  /** The executions of a function that are in progress, of all its versions. */
  runningOf(name: string): Sent[] {
    return [...this.#pools.values()].flatMap(({ pool }) => (pool.name === name ? pool.running : []));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#pools.values()].map(({ pool }) => pool.close()));
  }

  #add(key: PoolKey, { program: given, version, release }: Prepared): ProcessPool {
    const program = this.#withinBudget(given);
    // `latest` can change: processes with its previous code, limits or user data must not stay (CODE2).
    for (const [other, { pool }] of this.#pools) if (isSameVersion(other, key)) pool.drain();
    const { maxProcessesPerFunction, idleInMs, recycleAfter } = this.#options;
    const { definition } = program;
    const pool = new ProcessPool({
      definition,
      maxProcesses: Math.min(definition.concurrency, maxProcessesPerFunction),
      idleInMs,
      recycleAfter,
      stateOfCode: () => stateOfCode(definition),
      start: (observer) => this.#start(program, version, observer),
      hasRoom: (processes) => this.#hasRoom(definition, processes),
    });
    const memoryInMb = definition.memoryInMb + RUNTIME_MEMORY_IN_MB;
    const { name } = definition;
    this.#pools.set(key, { pool, name, project: projectOf(name), memoryInMb, release });
    return pool;
  }

  /** A function of another project gets no more memory than its project has. */
  #withinBudget(program: Program): Program {
    const { definition } = program;
    const project = projectOf(definition.name);
    if (project === undefined) return program;
    const most = Math.max(MIN_MEMORY_IN_MB, this.#options.memory(project) - RUNTIME_MEMORY_IN_MB);
    return definition.memoryInMb <= most ? program : { ...program, definition: { ...definition, memoryInMb: most } };
  }

  /**
   * Whether the project of a function has memory for one more process (POOL3). If it has none, and the function has no process yet, a process
   * of the function with the most memory gives way.
   */
  #hasRoom({ name, memoryInMb }: FunctionDefinition, processes: number): boolean {
    const project = projectOf(name);
    if (project === undefined) return true;
    const pools = [...this.#pools.values()].filter((other) => other.project === project);
    // A function without a process is next.
    if (processes > 0 && pools.some(({ pool }) => pool.isStarved)) return false;
    const used = (pool: (typeof pools)[number]): number => pool.pool.size * pool.memoryInMb;
    const taken = pools.reduce((sum, pool) => sum + used(pool), 0);
    if (taken === 0 || taken + memoryInMb + RUNTIME_MEMORY_IN_MB <= this.#options.memory(project)) return true;
    if (processes === 0) for (const { pool } of pools.sort((one, other) => used(other) - used(one))) if (pool.yieldOne()) break;
    return false;
  }

  async #addPrepared(
    key: PoolKey,
    { definition, version, handler }: RunnableProcess,
    { runtime, ...found }: { runtime: HostRuntime; sandbox: Promise<Sandbox> | undefined; interpreter: Interpreter | Promise<Interpreter> },
  ): Promise<ProcessPool> {
    const [sandbox, interpreter] = await Promise.all([found.sandbox, found.interpreter]);
    const { file, codeFolder, release } = await this.#openCode(handler, definition.name);
    const present = this.#pools.get(key);
    if (present !== undefined || this.#isClosed) release();
    if (present !== undefined) return present.pool;
    const program = { definition: { ...definition, handler: { ...handler, file } }, runtime, interpreter, sandbox, codeFolder };
    return this.#add(key, { program, version, release });
  }

  /** A package is visible to its function as a whole; of the worker's other files, only the folder of the handler is. */
  async #openCode(
    { package: digest, layers, file }: ProcessHandler,
    functionName: string,
  ): Promise<{ file: string; codeFolder: string; release: () => void }> {
    if (digest === undefined) return { file, codeFolder: dirname(file), release: () => {} };
    const { packages } = this.#options;
    if (packages === undefined) throw new Error('this worker has no store of code packages');
    const { folder, release } = await packages.open(digest, projectOf(functionName), layers);
    return { file: join(folder, file), codeFolder: folder, release };
  }

  #start(program: Program, version: string, observer: ProcessObserver): FunctionProcess {
    const { tenancy, limits, launcher } = this.#options;
    const { definition, sandbox, codeFolder, runtime } = program;
    return new FunctionProcess({
      definition,
      codeFolder,
      runtime,
      functionUrn: functionUrn(tenancy, definition.name, version),
      limits,
      resources: {
        memoryInMb: definition.memoryInMb,
        maxProcesses: sandbox === undefined ? Number.POSITIVE_INFINITY : MAX_PROCESSES,
        hasOwnFiles: sandbox?.level === 'namespaces',
        hasOwnNetwork: sandbox?.level === 'namespaces' && !sandbox.hasNetwork,
      },
      observer,
      open: (events) => openRestartedChild((opened) => launcher.open(program, opened), events),
    });
  }
}

/** A package never changes; a file of the worker's machine may. Of such a handler only the file itself is compared. */
function stateOfCode({ handler }: FunctionDefinition): string {
  if (handler.kind !== 'process' || handler.package !== undefined) return '';
  const found = statSync(handler.file, { throwIfNoEntry: false });
  return found === undefined ? '' : `${found.ino}/${found.size}/${found.mtimeMs}`;
}
