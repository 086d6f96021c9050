import type { Failure } from '#machines/facts.ts';
import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import type { ExecutionResult } from '#src/core/ports/function-host.ts';
import { abortLine, type ChildFrame, parseChildLine, recallLine, runLine, startLine } from './child-frames.ts';
import type { Child, ChildEnd, ChildEvents } from './child-process.ts';
import { aborted, failed, initializationTimedOut, loadTimedOut, lost, outOfMemory, processEnded, returned, timedOut } from './failures.ts';
import { failureOfExecution, failureOfStart } from './process-end.ts';
import { residentMemoryInMb } from './process-memory.ts';
import { lastBytes } from './runtime/output.mjs';
import type { Task } from './task.ts';

/**
 * One child process of a function, and the executions that were sent to it.
 *
 * The child keeps RUN1 and RUN2 (src/DESIGN.md). Hence PROC1 and PROC2 hold, also after the process has died.
 */

/** Memory of a fresh process that is not the function's: its own limit comes on top. */
const RUNTIME_MEMORY_IN_MB = 96;
const CHECK_MEMORY_EVERY_MS = 200;
/** An execution that takes this long gives back those that wait behind it. */
const RECALL_AFTER_MS = 10;

const MISUSED_CHANNEL = 'wrote to the channel of the runtime';

export type ProcessLimits = { startTimeoutInMs: number; abortGraceInMs: number };

/** Why a process never became ready. */
export type StartFailure = { failure: Failure; output: string };

export interface ProcessObserver {
  onReady(): void;
  /** The first execution has its result: the process can take another. */
  onSettled(tookInMs: number): void;
  /** These executions have not started and never will in this process. */
  onUnstarted(tasks: Task[]): void;
  onEnd(startFailure: StartFailure | undefined): void;
}

type Setup = {
  definition: FunctionDefinition;
  /** What the initializer is told. */
  functionUrn: string;
  limits: ProcessLimits;
  observer: ProcessObserver;
  open(events: ChildEvents): Child;
};

type Sent = { id: number; task: Task; output: string };

export class FunctionProcess {
  readonly ended: Promise<void>;
  readonly #setup: Setup;
  readonly #child: Child;
  #phase: 'loading' | 'initializing' | 'ready' | 'ending' | 'ended' = 'loading';
  #sent: Sent[] = [];
  #sentCount = 0;
  /** Since when the first of the sent executions runs, or since when there is none, or since when the process starts. */
  #since = performance.now();
  #memoryCheckedAt = 0;
  #abortedAt: number | undefined;
  #hasRecalled = false;
  /** Set when this end kills: whose fault it is. */
  #cause: { id: number | undefined; failure: Failure } | undefined;
  /** What was printed before the process was ready. */
  #startOutput: string | undefined = '';
  #wasIdleAtExit = false;

  constructor(setup: Setup) {
    this.#setup = setup;
    let onEnded: () => void = () => undefined;
    this.ended = new Promise((resolve) => {
      onEnded = resolve;
    });
    this.#child = setup.open({
      onLine: (line) => this.#receive(parseChildLine(line)),
      onRawOutput: (text) => this.#print(text),
      onEnd: (end) => {
        this.#end(end);
        onEnded();
      },
    });
    this.#child.write(startLine(setup.definition, setup.functionUrn));
  }

  get isStarting(): boolean {
    return this.#phase === 'loading' || this.#phase === 'initializing';
  }
  get isReady(): boolean {
    return this.#phase === 'ready';
  }
  /** Whether another execution may be sent. */
  get isOpen(): boolean {
    return this.#phase === 'ready' && !this.#hasRecalled && this.#abortedAt === undefined;
  }
  get load(): number {
    return this.#sent.length;
  }
  /** How many executions it was ever sent. */
  get executions(): number {
    return this.#sentCount;
  }
  get isIdle(): boolean {
    return this.#phase === 'ready' && this.#sent.length === 0;
  }
  idleFor(now: number): number {
    return now - this.#since;
  }

  run(task: Task, now: number): void {
    this.#sentCount += 1;
    if (this.#sent.length === 0) this.#since = now;
    this.#sent.push({ id: this.#sentCount, task, output: '' });
    this.#child.write(runLine(this.#sentCount, task.execution));
  }

  /** Gives an execution up. One that runs has a moment to notice; one that does not has failed already. */
  abort(task: Task, now: number): boolean {
    const place = this.#sent.findIndex((sent) => sent.task === task);
    const sent = this.#sent[place];
    if (sent === undefined) return false;
    task.isAborted = true;
    this.#child.write(abortLine(sent.id));
    if (place === 0) this.#abortedAt = now;
    else task.settle(failed(aborted()));
    return true;
  }

  /** What passing time makes due. */
  check(now: number): void {
    if (this.isStarting) this.#checkStart(now);
    else if (this.isIdle) this.#checkMemory(now);
    else if (this.#phase === 'ready') this.#checkHead(now);
  }

  /** Ends the process. What it executes is lost, the rest is given back. */
  kill(): void {
    this.#kill(lost('the process was ended while it executed'));
  }

  #kill(failure: Failure): void {
    if (this.#phase === 'ending' || this.#phase === 'ended') return;
    this.#cause = { id: this.#sent[0]?.id, failure };
    this.#phase = 'ending';
    this.#child.kill();
  }

  #checkStart(now: number): void {
    const { startTimeoutInMs } = this.#setup.limits;
    if (now - this.#since < startTimeoutInMs) this.#checkMemory(now);
    else this.#kill(this.#phase === 'loading' ? loadTimedOut(startTimeoutInMs) : initializationTimedOut(startTimeoutInMs));
  }

  #checkHead(now: number): void {
    const { timeoutInMs } = this.#setup.definition;
    const ranInMs = now - this.#since;
    if (ranInMs >= timeoutInMs) this.#kill(timedOut(timeoutInMs));
    else if (this.#abortedAt !== undefined && now - this.#abortedAt >= this.#setup.limits.abortGraceInMs) this.#kill(aborted());
    else this.#checkMemory(now);
    if (ranInMs >= RECALL_AFTER_MS && this.#sent.length > 1 && !this.#hasRecalled) {
      this.#hasRecalled = true;
      this.#child.write(recallLine);
    }
  }

  #checkMemory(now: number): void {
    const { pid } = this.#child;
    if (pid === undefined || now - this.#memoryCheckedAt < CHECK_MEMORY_EVERY_MS) return;
    this.#memoryCheckedAt = now;
    const { memoryInMb } = this.#setup.definition;
    const used = residentMemoryInMb(pid);
    if (used !== undefined && used > memoryInMb + RUNTIME_MEMORY_IN_MB) this.#kill(outOfMemory(memoryInMb));
  }

  #receive(frame: ChildFrame | undefined): void {
    switch (frame?.type) {
      case 'returned':
        this.#settleHead(frame.id, returned(frame.payload, this.#outputWith(frame.output)), frame.tookInMs);
        break;
      case 'failed':
        this.#settleHead(frame.id, failed(frame.failure, this.#outputWith(frame.output)));
        break;
      case 'printed':
        this.#print(frame.text);
        break;
      case 'recalled':
        this.#takeBack(frame.ids);
        break;
      case 'exiting':
        this.#wasIdleAtExit = frame.id === null;
        break;
      case 'loaded':
        if (this.#phase === 'loading') this.#phase = 'initializing';
        break;
      case 'ready':
        if (this.#phase === 'initializing') this.#becomeReady();
        break;
      case 'start-failed':
        this.#print(frame.output);
        this.#kill(frame.failure);
        break;
      case undefined:
        this.#kill(processEnded(MISUSED_CHANNEL));
    }
  }

  #becomeReady(): void {
    this.#phase = 'ready';
    this.#startOutput = undefined;
    this.#since = performance.now();
    this.#setup.observer.onReady();
  }

  #outputWith(text: string): string {
    return lastBytes((this.#sent[0]?.output ?? '') + text);
  }

  #print(text: string): void {
    const [head] = this.#sent;
    if (head !== undefined) head.output = lastBytes(head.output + text);
    else if (this.#startOutput !== undefined) this.#startOutput = lastBytes(this.#startOutput + text);
  }

  /** Its own clock tells how long it took, as far as that can be true: ours counts the time in which this process was busy, too. */
  #settleHead(id: number, result: ExecutionResult, saidInMs = Number.POSITIVE_INFINITY): void {
    const head = this.#sent.shift();
    if (head?.id !== id) {
      if (head !== undefined) this.#sent.unshift(head);
      this.#kill(processEnded(MISUSED_CHANNEL));
      return;
    }
    const { task } = head;
    const now = performance.now();
    const tookInMs = Math.min(now - this.#since, Math.max(0, saidInMs));
    this.#since = now;
    this.#hasRecalled = false;
    this.#abortedAt = this.#sent[0]?.task.isAborted ? now : undefined;
    task.settle(task.isAborted ? failed(aborted(), result.output) : result);
    this.#setup.observer.onSettled(tookInMs);
  }

  #takeBack(ids: number[]): void {
    const isBack = (sent: Sent) => sent !== this.#sent[0] && ids.includes(sent.id);
    const back = this.#sent.filter(isBack);
    this.#sent = this.#sent.filter((sent) => !isBack(sent));
    this.#giveBack(back);
  }

  #giveBack(back: Sent[]): void {
    const tasks = back.map(({ task }) => task).filter((task) => !task.isSettled);
    if (tasks.length > 0) this.#setup.observer.onUnstarted(tasks);
  }

  /** Everything that the process ever wrote has been read: PROC1 and PROC2 tell who is concerned. */
  #end(end: ChildEnd): void {
    this.#phase = 'ended';
    const { definition, observer } = this.#setup;
    if (this.#startOutput !== undefined) {
      observer.onEnd({ failure: this.#cause?.failure ?? failureOfStart(end, definition), output: this.#startOutput });
      return;
    }
    const sent = this.#sent.splice(0);
    const head = this.#wasIdleAtExit ? undefined : sent.shift();
    head?.task.settle(failed(this.#failureOf(head, end), head.output));
    observer.onEnd(undefined);
    if (head === undefined && sent[0] !== undefined) sent[0].task.moves += 1;
    this.#giveBack(sent);
  }

  #failureOf(head: Sent, end: ChildEnd): Failure {
    if (head.task.isAborted) return aborted();
    if (this.#cause === undefined) return failureOfExecution(end, this.#setup.definition);
    return this.#cause.id === head.id ? this.#cause.failure : lost('its process was ended because of the execution before it');
  }
}
