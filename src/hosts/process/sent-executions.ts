import { countLines, type PrintedSoFar } from '#src/core/output/live-output.ts';
import { appendOutput, keptBytesOf } from '#src/hosts/runtime/output.mjs';
import type { Task } from './task.ts';

/** An execution that was sent to a process and has no result yet. */
export type Sent = PrintedSoFar & { readonly id: number; readonly task: Task };

/**
 * The executions that were sent to one process, in their order.
 *
 * The first one is the head: the only execution that can have started (PROC1). All others have not started (PROC2).
 */
export class SentExecutions {
  #sent: Sent[] = [];
  #total = 0;

  get head(): Sent | undefined {
    return this.#sent[0];
  }
  get size(): number {
    return this.#sent.length;
  }
  /** How many executions the process was sent in its life. */
  get total(): number {
    return this.#total;
  }

  add(task: Task): Sent {
    this.#total += 1;
    const sent = { id: this.#total, task, output: '', lines: 0, isCut: false };
    this.#sent.push(sent);
    return sent;
  }

  find(task: Task): Sent | undefined {
    return this.#sent.find((sent) => sent.task === task);
  }

  /** Appends to the output of the head. False when there is no head. `droppedLines`: of what the process dropped before the text. */
  print(text: string, droppedLines?: number): boolean {
    const { head } = this;
    if (head === undefined) return false;
    const output = appendOutput(head.output, text, keptBytesOf(head.task.execution.definition));
    head.isCut ||= droppedLines !== undefined || output.length < head.output.length + text.length;
    head.lines += countLines(text) + (droppedLines ?? 0);
    head.output = output;
    return true;
  }

  /** Removes the head; `undefined` when the head has another id. */
  takeHead(id: number): Sent | undefined {
    return this.head?.id === id ? this.#sent.shift() : undefined;
  }

  /** Removes the executions with these ids. The head stays, because it may have started. */
  takeUnstarted(ids: readonly number[]): Sent[] {
    const isTaken = (sent: Sent) => sent !== this.head && ids.includes(sent.id);
    const taken = this.#sent.filter(isTaken);
    if (taken.length > 0) this.#sent = this.#sent.filter((sent) => !isTaken(sent));
    return taken;
  }

  takeAll(): Sent[] {
    return this.#sent.splice(0);
  }
}
