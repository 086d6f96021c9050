import { availableParallelism } from 'node:os';
import type { Failure } from '#machines/facts.ts';
import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import { aborted, failed, processEnded } from '#src/hosts/failures.ts';
import type { FunctionProcess, ProcessObserver, StartFailure } from '#src/hosts/process/function-process.ts';
import type { Sent } from '#src/hosts/process/sent-executions.ts';
import type { Task } from '#src/hosts/process/task.ts';
import type { Consumer } from './processor-budget.ts';

/** A function is fast while the moving average of its durations is below this. */
const FAST_IN_MS = 2;
/** A function is slow while the average is at least this, or while an execution has waited so long. */
const SLOW_IN_MS = 20;
const LONG_WAIT_IN_MS = 1_000;
/** The most processes of a function that is not slow. More would not end its executions sooner. */
export const FEW_PROCESSES = 16;
/** A free process is woken only when the awake ones have this much work each (docs/performance.md H6). */
const WORTH_WAKING_MS = 0.25;
/** How much work, and how many executions, may queue inside one process. */
const PIPELINE_IN_MS = 4;
const MAX_PIPELINE = 64;
/** The weight of the newest execution in the average, and how many executions make the average reliable. */
const WEIGHT = 0.1;
const RELIABLE_AFTER = 8;
/** Another process starts when an execution has waited this long. */
const GROW_AFTER_MS = 10;
/** More concurrent starts than processors slow each other down. */
const MAX_STARTING = availableParallelism();
/** How long no further process starts after a failed start, while another process serves. */
const RESTART_AFTER_MS = 1_000;
/** How long processes of a drained pool stay without work. */
const IDLE_WHEN_DRAINING_IN_MS = 1_000;
/** How many processes may end by themselves just before they start the same execution. */
const MAX_MOVES = 3;

export type PoolSetup = {
  definition: FunctionDefinition;
  maxProcesses: number;
  idleInMs: number;
  recycleAfter: number;
  /** The state of the code that a process loads; a process of another state is replaced (CODE3). */
  stateOfCode(): string;
  start(observer: ProcessObserver): FunctionProcess;
  /** Whether the budget of the project has room for one more process than these (POOL3). */
  hasRoom(processes: number): boolean;
};

/** The processes of one version of a function, and the executions that wait for a process. Keeps POOL1 to POOL3 and CODE3 (src/DESIGN.md). */
export class ProcessPool {
  readonly #setup: PoolSetup;
  readonly #processes = new Set<FunctionProcess>();
  /** The processes of an earlier state of the code. They finish what they were sent. */
  readonly #outdated = new WeakSet<FunctionProcess>();
  #stateOfCode: string | undefined;
  #waiting: Task[] = [];
  #averageInMs = 0;
  #measured = 0;
  #startFailedAt = Number.NEGATIVE_INFINITY;
  #isDraining = false;
  #isClosed = false;

  constructor(setup: PoolSetup) {
    this.#setup = setup;
  }

  /** Whether a limit of time can be reached soon: executions wait or run, or a process starts. */
  get isBusy(): boolean {
    if (this.#waiting.length > 0) return true;
    for (const process of this.#processes) if (process.load > 0 || !process.isReady) return true;
    return false;
  }
  get isEmpty(): boolean {
    return this.#waiting.length === 0 && this.#processes.size === 0;
  }

  /** Whether executions wait and no process exists for them. */
  get isStarved(): boolean {
    return this.#waiting.length > 0 && this.#processes.size === 0;
  }
  get name(): string {
    return this.#setup.definition.name;
  }
  get size(): number {
    return this.#processes.size;
  }
  get consumers(): Consumer[] {
    return [...this.#processes].map(({ resources }) => resources);
  }

  /** The executions in progress. */
  get running(): Sent[] {
    return [...this.#processes].flatMap((process) => process.running() ?? []);
  }

  submit(task: Task): void {
    this.#waiting.push(task);
    this.#dispatch();
  }

  warm(): void {
    if (this.#processes.size === 0 && this.#setup.hasRoom(0)) this.#start();
  }

  abort(task: Task): void {
    const index = this.#waiting.indexOf(task);
    if (index >= 0) {
      this.#waiting.splice(index, 1);
      task.settle(failed(aborted()));
      return;
    }
    for (const process of this.#processes) if (process.abort(task, performance.now())) return;
  }

  /** Enforces the limits of all processes, and starts another process for an execution that waits too long. */
  check(now: number): void {
    const idleInMs = this.#isDraining ? Math.min(IDLE_WHEN_DRAINING_IN_MS, this.#setup.idleInMs) : this.#setup.idleInMs;
    for (const process of this.#processes) {
      if (process.isIdle && process.idleFor(now) > idleInMs) process.kill();
      else process.check(now);
    }
    const [oldest] = this.#waiting;
    if (oldest !== undefined && now - oldest.queuedAt >= GROW_AFTER_MS) this.#grow(now);
  }

  /** Ends one process, once it has no work, so that another function of the project gets its memory. False while one is ending so. */
  yieldOne(): boolean {
    const processes = [...this.#processes];
    if (processes.some((process) => this.#outdated.has(process))) return false;
    const chosen = processes.find((process) => process.isIdle) ?? processes[0];
    if (chosen === undefined) return false;
    this.#outdated.add(chosen);
    if (chosen.isIdle) chosen.kill();
    return true;
  }

  /** A newer definition exists: processes without work end. */
  drain(): void {
    this.#isDraining = true;
    for (const process of this.#processes) if (process.isIdle) process.kill();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#failWaiting(aborted());
    const processes = [...this.#processes];
    for (const process of processes) process.kill();
    await Promise.all(processes.map((process) => process.ended));
  }

  #dispatch(): void {
    while (this.#waiting.length > 0) {
      const process = this.#choose();
      if (process === undefined) break;
      const task = this.#waiting.shift();
      if (task !== undefined) process.run(task, performance.now());
    }
    if (this.#waiting.length > 0 && !this.#hasUsableProcess()) this.#grow(performance.now());
  }

  /** Prefers an awake process with little work (H6), then a free process, then the shortest queue within the limit (POOL2). */
  #choose(): FunctionProcess | undefined {
    const depth = this.#depth(PIPELINE_IN_MS);
    const awake = this.#depth(WORTH_WAKING_MS);
    let best: FunctionProcess | undefined;
    for (const process of this.#processes) {
      if (!process.isOpen || this.#isSpent(process)) continue;
      if (process.load > 0 && process.load < awake) return process;
      if (process.load < depth && (best === undefined || process.load < best.load)) best = process;
    }
    return best;
  }

  get #isFast(): boolean {
    return this.#measured >= RELIABLE_AFTER && this.#averageInMs < FAST_IN_MS;
  }

  /** How many executions take `inMs`; 1 while the function is not fast. */
  #depth(inMs: number): number {
    if (!this.#isFast) return 1;
    return Math.min(MAX_PIPELINE, Math.max(1, Math.floor(inMs / this.#averageInMs)));
  }

  #hasUsableProcess(): boolean {
    for (const process of this.#processes) if (process.isReady || process.isStarting) return true;
    return false;
  }

  #grow(now: number): void {
    let ready = 0;
    for (const process of this.#processes) if (process.isReady) ready += 1;
    const changing = this.#processes.size - ready;
    if (this.#processes.size >= this.#mostProcesses(now) || changing >= Math.min(this.#waiting.length, MAX_STARTING)) return;
    if (ready > 0 && now - this.#startFailedAt < RESTART_AFTER_MS) return;
    if (this.#setup.hasRoom(this.#processes.size)) this.#start();
  }

  /** A fast function gets at most as many processes as the machine has processors (docs/performance.md H7). A slow function gets `maxProcesses`. */
  #mostProcesses(now: number): number {
    const { maxProcesses } = this.#setup;
    if (this.#isFast) return Math.min(availableParallelism(), maxProcesses);
    const isSlow = this.#measured >= RELIABLE_AFTER && this.#averageInMs >= SLOW_IN_MS;
    const hasLongWait = now - (this.#waiting[0]?.queuedAt ?? now) >= LONG_WAIT_IN_MS;
    return isSlow || hasLongWait ? maxProcesses : Math.min(FEW_PROCESSES, maxProcesses);
  }

  /** Whether the process gets no further execution. */
  #isSpent(process: FunctionProcess): boolean {
    return process.executions >= this.#setup.recycleAfter || this.#outdated.has(process);
  }

  #start(): void {
    this.#replaceOutdated();
    const process: FunctionProcess = this.#setup.start({
      onReady: () => this.#dispatch(),
      onSettled: (tookInMs) => this.#onSettled(process, tookInMs),
      onUnstarted: (tasks) => this.#onUnstarted(tasks),
      onEnd: (startFailure) => this.#onEnd(process, startFailure),
    });
    this.#processes.add(process);
  }

  #replaceOutdated(): void {
    const state = this.#setup.stateOfCode();
    if (state === this.#stateOfCode) return;
    this.#stateOfCode = state;
    for (const process of this.#processes) {
      this.#outdated.add(process);
      if (process.isIdle) process.kill();
    }
  }

  #onSettled(process: FunctionProcess, tookInMs: number): void {
    this.#averageInMs += (tookInMs - this.#averageInMs) * (this.#measured === 0 ? 1 : WEIGHT);
    this.#measured += 1;
    if (process.isIdle && this.#isSpent(process)) process.kill();
    this.#dispatch();
  }

  #onUnstarted(tasks: Task[]): void {
    const returned: Task[] = [];
    for (const task of tasks) {
      if (this.#isClosed) task.settle(failed(aborted()));
      else if (task.moves > MAX_MOVES) task.settle(failed(processEnded(`ended ${task.moves} times before the execution started`)));
      else returned.push(task);
    }
    this.#waiting = [...returned, ...this.#waiting];
    this.#dispatch();
  }

  /** A failed start fails the waiting executions, unless another process is ready. */
  #onEnd(process: FunctionProcess, startFailure: StartFailure | undefined): void {
    this.#processes.delete(process);
    if (startFailure !== undefined) {
      this.#startFailedAt = performance.now();
      if (![...this.#processes].some((other) => other.isReady)) this.#failWaiting(startFailure.failure, startFailure.output);
    }
    this.#dispatch();
  }

  #failWaiting(failure: Failure, output = ''): void {
    for (const task of this.#waiting.splice(0)) task.settle(failed(failure, output));
  }
}
