import type { ChildFrame } from './child-frames.ts';

/**
 * Frames beside results that a process may send at once. More than the pipe holds while this process pauses: the runtime sends output every
 * 20 ms, and waits while the pipe is full.
 */
const MAX_FRAMES_AT_ONCE = 10_000;
/** Frames beside results that a process may send over a longer time: twice the number that the runtime sends. */
const FRAMES_PER_SECOND = 100;
/** Of each execution: its first output, and the answer to an abort. */
const FRAMES_PER_RESULT = 2;

/**
 * Bounds the frames of a process that end no execution (PROC4). The results are bounded by the executions that were sent.
 *
 * The runtime never exceeds the budget, so a process that does wrote to the pipe by itself.
 */
export class FrameBudget {
  #isMisused = false;
  #spent = 0;
  #at = performance.now();

  /** Whether a frame was refused. */
  get isMisused(): boolean {
    return this.#isMisused;
  }

  /**
   * Counts a frame. False for an invalid one, and when the process has sent too many or names more executions than it was sent; from then on
   * for every frame.
   */
  accepts(frame: ChildFrame | undefined, sent: number): frame is ChildFrame {
    this.#isMisused ||= frame === undefined || !this.#take(frame, sent);
    return !this.#isMisused;
  }

  #take(frame: ChildFrame, sent: number): boolean {
    if (frame.type === 'returned' || frame.type === 'failed') {
      this.#spent = Math.max(0, this.#spent - FRAMES_PER_RESULT);
      return true;
    }
    if ('ids' in frame && frame.ids.length > sent) return false;
    const now = performance.now();
    this.#spent = Math.max(0, this.#spent - ((now - this.#at) * FRAMES_PER_SECOND) / 1_000) + 1;
    this.#at = now;
    return this.#spent <= MAX_FRAMES_AT_ONCE;
  }
}
