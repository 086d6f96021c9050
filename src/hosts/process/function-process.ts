import type { Failure } from '#machines/facts.ts';
import type { ExecutionResult } from '#src/core/ports/function-host.ts';
import { threadTime } from '#src/core/quotas/thread-time.ts';
import {
  aborted,
  failed,
  initializationTimedOut,
  loadTimedOut,
  lost,
  measured,
  processEnded,
  resourceExceeded,
  returned,
  timedOut,
} from '#src/hosts/failures.ts';
import { KEPT_BYTES, keptBytesOf, lastBytes } from '#src/hosts/runtime/output.mjs';
import type { HostRuntime } from '#src/hosts/runtimes/host-runtime.ts';
import { abortLine, type ChildFrame, isAllowedLength, parseChildLine, recallLine, runLine, startLine } from './child-frames.ts';
import type { Child, ChildEnd, ChildEvents } from './child-process.ts';
import { FrameBudget } from './frame-budget.ts';
import { failureOfExecution, failureOfStart } from './process-end.ts';
import type { Program } from './process-launcher.ts';
import { ResourceCheck, type ResourceLimits } from './process-resources.ts';
import { type Sent, SentExecutions } from './sent-executions.ts';
import type { Task } from './task.ts';

/** An execution that takes this long makes the process return the executions behind it (POOL2). */
const RECALL_AFTER_MS = 10;

const MISUSED_CHANNEL = 'wrote to the channel of the runtime';

export type ProcessLimits = {
  /** How long loading, and likewise the initializer, may take. */
  startTimeoutInMs: number;
  /** How long an aborted handler may continue before its process is killed. */
  abortGraceInMs: number;
};

/** Why a process never became ready. */
export type StartFailure = { failure: Failure; output: string };

export interface ProcessObserver {
  onReady(): void;
  /** The first execution has its result, so the process can accept another one. */
  onSettled(tookInMs: number): void;
  /** These executions did not start, and will not start in this process. */
  onUnstarted(tasks: Task[]): void;
  onEnd(startFailure: StartFailure | undefined): void;
}

type Setup = Pick<Program, 'definition' | 'codeFolder'> & {
  runtime: Pick<HostRuntime, 'isMemoryExhausted'>;
  /** The URN that the initializer sees. */
  functionUrn: string;
  limits: ProcessLimits;
  resources: ResourceLimits;
  observer: ProcessObserver;
  open(events: ChildEvents): Child;
};

/**
 * One child process of a function, and the executions that were sent to it.
 *
 * The child keeps RUN1 and RUN2 (src/DESIGN.md). Therefore PROC1 and PROC2 hold, also after the process died.
 */
export class FunctionProcess {
  readonly ended: Promise<void>;
  readonly #setup: Setup;
  readonly #child: Child;
  readonly resources: ResourceCheck;
  readonly #sent = new SentExecutions();
  #phase: 'loading' | 'initializing' | 'ready' | 'ending' | 'ended' = 'loading';
  /** The start of the process, of the current execution, or of the time without one: whichever is the latest. */
  #since = performance.now();
  #abortedAt: number | undefined;
  /** Whether the executions that wait in the process were recalled from behind the current one. */
  #hasRecalled = false;
  /** Whether the process has not answered a recall. Executions that were sent meanwhile would overtake the recalled ones. */
  #isRecalling = false;
  /** Set when this object kills the process: the failure, and the execution that caused it. */
  #cause: { id: number | undefined; failure: Failure } | undefined;
  /** The output before the process was ready; `undefined` afterwards. */
  #startOutput: string | undefined = '';
  #wasIdleAtExit = false;
  readonly #frames = new FrameBudget();

  constructor(setup: Setup) {
    this.#setup = setup;
    let onEnded: () => void = () => undefined;
    this.ended = new Promise((resolve) => {
      onEnded = resolve;
    });
    this.#child = setup.open({
      onLine: (line) => {
        // What a hostile process still writes costs nothing.
        if (!this.#frames.isMisused) this.#receive(threadTime.spendOn(setup.definition.name, () => parseChildLine(line)));
      },
      isAllowed: (start, length) => isAllowedLength(setup.definition, start, length),
      onTooLong: () => this.#receive(undefined),
      onRawOutput: (text) => this.#print(text),
      onEnd: (end) => {
        this.#end(end);
        onEnded();
      },
    });
    this.resources = new ResourceCheck(this.#child, setup.resources);
    this.#child.write(startLine(setup));
  }

  get isStarting(): boolean {
    return this.#phase === 'loading' || this.#phase === 'initializing';
  }
  get isReady(): boolean {
    return this.#phase === 'ready';
  }
  /** Whether another execution may be sent. */
  get isOpen(): boolean {
    return this.#phase === 'ready' && !this.#hasRecalled && !this.#isRecalling && this.#abortedAt === undefined;
  }
  get load(): number {
    return this.#sent.size;
  }
  /** How many executions the process was sent in its life. */
  get executions(): number {
    return this.#sent.total;
  }
  get isIdle(): boolean {
    return this.#phase === 'ready' && this.#sent.size === 0;
  }
  /** The execution in progress. */
  readonly running = (): Sent | undefined => (this.#phase === 'ready' ? this.#sent.head : undefined);
  idleFor(now: number): number {
    return now - this.#since;
  }

  run(task: Task, now: number): void {
    if (this.#sent.size === 0) this.#since = now;
    const { id } = this.#sent.add(task);
    this.#child.write(runLine(id, task.execution));
  }

  /** Aborts an execution; false when it was not sent here. A started one gets a grace period; any other one fails at once. */
  abort(task: Task, now: number): boolean {
    const sent = this.#sent.find(task);
    if (sent === undefined) return false;
    task.isAborted = true;
    this.#child.write(abortLine(sent.id));
    if (sent === this.#sent.head) this.#abortedAt = now;
    else task.settle(failed(aborted()));
    return true;
  }

  /** Enforces the limits of time, memory and processes. */
  check(now: number): void {
    if (this.isStarting) this.#checkStart(now);
    else if (this.isIdle) this.#checkResources(now);
    else if (this.#phase === 'ready') this.#checkHead(now);
  }

  /** Ends the process. The execution in progress is lost; the others are returned as unstarted. */
  kill(): void {
    this.#kill(lost('the process was ended while it executed'));
  }

  #kill(failure: Failure): void {
    if (this.#phase === 'ending' || this.#phase === 'ended') return;
    this.#cause = { id: this.#sent.head?.id, failure };
    this.#phase = 'ending';
    this.#child.kill();
  }

  #checkStart(now: number): void {
    const { startTimeoutInMs } = this.#setup.limits;
    if (now - this.#since < startTimeoutInMs) this.#checkResources(now);
    else this.#kill(this.#phase === 'loading' ? loadTimedOut(startTimeoutInMs) : initializationTimedOut(startTimeoutInMs));
  }

  #checkHead(now: number): void {
    const { timeoutInMs } = this.#setup.definition;
    const ranInMs = now - this.#since;
    if (ranInMs >= timeoutInMs) this.#kill(timedOut(timeoutInMs));
    else if (this.#abortedAt !== undefined && now - this.#abortedAt >= this.#setup.limits.abortGraceInMs) this.#kill(aborted());
    else this.#checkResources(now);
    if (ranInMs >= RECALL_AFTER_MS && this.#sent.size > 1 && !this.#hasRecalled && !this.#isRecalling) {
      this.#hasRecalled = true;
      this.#isRecalling = true;
      this.#child.write(recallLine);
    }
  }

  #checkResources(now: number): void {
    const resource = this.resources.exceeded(now, this.isIdle);
    if (resource !== undefined) this.#kill(resourceExceeded(resource, this.#setup.resources));
  }

  #exceededAtEnd(): Failure | undefined {
    const resource = this.resources.exceededAtEnd();
    return resource === undefined ? undefined : resourceExceeded(resource, this.#setup.resources);
  }

  #receive(frame: ChildFrame | undefined): void {
    if (!this.#frames.accepts(frame, this.#sent.size)) {
      this.#kill(processEnded(MISUSED_CHANNEL));
      return;
    }
    switch (frame.type) {
      case 'returned':
        this.#settleHead(
          frame.id,
          measured(returned(frame.payload, this.#outputWith(frame.output), frame.droppedBytes), frame),
          frame.tookInMs,
        );
        break;
      case 'failed':
        this.#settleHead(frame.id, measured(failed(frame.failure, this.#outputWith(frame.output)), frame));
        break;
      case 'printed':
        this.#print(frame.text, frame.droppedLines);
        break;
      case 'recalled':
        this.#isRecalling = false; // Also without ids: executions may be sent to this process again.
        this.#setup.observer.onUnstarted(this.#unsettledOf(this.#sent.takeUnstarted(frame.ids)));
        break;
      case 'withdrawn':
        this.#returnUnstarted(this.#sent.takeUnstarted(frame.ids));
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
    }
  }

  #becomeReady(): void {
    this.#phase = 'ready';
    this.#startOutput = undefined;
    this.#since = performance.now();
    this.#setup.observer.onReady();
  }

  #outputWith(text: string): string {
    return lastBytes((this.#sent.head?.output ?? '') + text, keptBytesOf(this.#setup.definition));
  }

  #print(text: string, dropped?: number): void {
    if (this.#sent.print(text, dropped) || this.#startOutput === undefined) return;
    this.#startOutput = lastBytes(this.#startOutput + text, KEPT_BYTES);
  }

  /** The child's own clock measures the duration, up to the time that passed here. Time here includes waits of this process. */
  #settleHead(id: number, result: ExecutionResult, measuredInMs = Number.POSITIVE_INFINITY): void {
    const head = this.#sent.takeHead(id);
    if (head === undefined) return this.#receive(undefined);
    const { task } = head;
    const now = performance.now();
    const tookInMs = Math.min(now - this.#since, Math.max(0, measuredInMs));
    this.#since = now;
    this.#hasRecalled = false;
    this.#abortedAt = this.#sent.head?.task.isAborted ? now : undefined;
    task.settle(task.isAborted ? failed(aborted(), result.output) : result);
    this.#setup.observer.onSettled(tookInMs);
  }

  #unsettledOf(sent: readonly Sent[]): Task[] {
    return sent.map(({ task }) => task).filter((task) => !task.isSettled);
  }

  #returnUnstarted(unstarted: readonly Sent[]): void {
    const tasks = this.#unsettledOf(unstarted);
    if (tasks.length > 0) this.#setup.observer.onUnstarted(tasks);
  }

  /** All output of the process was read before, so PROC1 and PROC2 decide which executions fail and which ones are returned. */
  #end(end: ChildEnd): void {
    this.#phase = 'ended';
    const { observer } = this.#setup;
    if (this.#startOutput !== undefined) {
      const failure = this.#cause?.failure ?? this.#exceededAtEnd() ?? failureOfStart(end, this.#setup);
      observer.onEnd({ failure, output: this.#startOutput });
      return;
    }
    const sent = this.#sent.takeAll();
    const head = this.#wasIdleAtExit ? undefined : sent.shift();
    head?.task.settle(failed(this.#failureOf(head, end), head.output));
    observer.onEnd(undefined);
    if (head === undefined && sent[0] !== undefined) sent[0].task.moves += 1;
    this.#returnUnstarted(sent);
  }

  #failureOf(head: Sent, end: ChildEnd): Failure {
    if (head.task.isAborted) return aborted();
    if (this.#cause === undefined) return this.#exceededAtEnd() ?? failureOfExecution(end, this.#setup);
    return this.#cause.id === head.id ? this.#cause.failure : lost('its process was ended because of the execution before it');
  }
}
