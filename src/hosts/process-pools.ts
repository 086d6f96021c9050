import { join } from 'node:path';
import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import { functionUrn, type Tenancy } from '#src/core/names/tenancy.ts';
import { FunctionProcess, type ProcessLimits, type ProcessObserver } from './function-process.ts';
import type { PackageCache } from './package-cache.ts';
import { isSameVersion, type PoolKey, poolKeyOf, type Runnable } from './pool-key.ts';
import type { ProcessLauncher } from './process-launcher.ts';
import { ProcessPool } from './process-pool.ts';
import type { Activity } from './ticker.ts';

type Options = {
  tenancy: Tenancy;
  packages: PackageCache | undefined;
  launcher: ProcessLauncher;
  limits: ProcessLimits;
  maxProcessesPerFunction: number;
  idleInMs: number;
  recycleAfter: number;
};

type PackagedHandler = Extract<FunctionDefinition['handler'], { kind: 'process' }> & { package: string };

/** The pools of one host: one pool for each version of a function, and the package that its processes run. */
export class ProcessPools {
  readonly #options: Options;
  readonly #pools = new Map<PoolKey, { pool: ProcessPool; releasePackage: () => void }>();
  #isClosed = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /** The pool of a version. Only the first execution of a package waits, until the package is unpacked. */
  poolOf(runnable: Runnable): ProcessPool | Promise<ProcessPool> {
    const key = poolKeyOf(runnable);
    const present = this.#pools.get(key);
    if (present !== undefined) return present.pool;
    const { handler } = runnable.definition;
    if (handler.kind !== 'process' || handler.package === undefined) return this.#add(key, runnable, () => {});
    return this.#addPackaged(key, runnable, { ...handler, package: handler.package });
  }

  /** Enforces the limits of all processes, and forgets empty pools. */
  check(now: number): Activity {
    let isBusy = false;
    for (const [key, { pool, releasePackage }] of this.#pools) {
      pool.check(now);
      if (pool.isEmpty) {
        this.#pools.delete(key);
        releasePackage();
      } else isBusy ||= pool.isBusy;
    }
    if (isBusy) return 'busy';
    return this.#pools.size > 0 ? 'idle' : 'empty';
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#pools.values()].map(({ pool }) => pool.close()));
  }

  #add(key: PoolKey, { definition, version }: Runnable, releasePackage: () => void): ProcessPool {
    // `latest` can change: processes with its previous code, limits or user data must not stay.
    for (const [other, { pool }] of this.#pools) if (isSameVersion(other, key)) pool.drain();
    const { maxProcessesPerFunction, idleInMs, recycleAfter } = this.#options;
    const pool = new ProcessPool({
      definition,
      maxProcesses: Math.min(definition.concurrency, maxProcessesPerFunction),
      idleInMs,
      recycleAfter,
      start: (observer) => this.#start(definition, version, observer),
    });
    this.#pools.set(key, { pool, releasePackage });
    return pool;
  }

  async #addPackaged(key: PoolKey, runnable: Runnable, { package: digest, ...handler }: PackagedHandler): Promise<ProcessPool> {
    const { packages } = this.#options;
    if (packages === undefined) throw new Error('this worker has no store of code packages');
    const { folder, release } = await packages.open(digest);
    const present = this.#pools.get(key);
    if (present !== undefined || this.#isClosed) release();
    if (present !== undefined) return present.pool;
    const definition = { ...runnable.definition, handler: { ...handler, file: join(folder, handler.file) } };
    return this.#add(key, { ...runnable, definition }, release);
  }

  #start(definition: FunctionDefinition, version: string, observer: ProcessObserver): FunctionProcess {
    const { tenancy, limits, launcher } = this.#options;
    return new FunctionProcess({
      definition,
      functionUrn: functionUrn(tenancy, definition.name, version),
      limits,
      observer,
      open: (events) => launcher.open(definition, events),
    });
  }
}
