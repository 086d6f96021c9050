import { setImmediate as nextTurn } from 'node:timers/promises';
import { InvalidInputError } from '#src/core/errors.ts';
import { FlowWindow } from './flow-window.ts';
import { type Line, readLines } from './read-lines.ts';

/** A line that can be sent. */
export type TextLine = Extract<Line, { text: string }>;

/** The outcome of a line: it was sent, it is wrong, or its sending failed for a reason that does not concern this line alone. */
export type LineOutcome<Answer> =
  | { number: number; answer: Answer }
  | { number: number; problem: InvalidInputError }
  | { number: number; failure: unknown };

export type SendLinesOptions<Answer> = {
  maxLineBytes: number;
  maxLines?: number;
  /** The most lines, and the most bytes of lines, without a reported outcome. The memory stays bounded however large the input is. */
  inFlight: { maxItems: number; maxBytes: number };
  /** Sends one line. Rejects with `InvalidInputError` when the line is wrong. */
  send: (line: TextLine) => Promise<Answer>;
  /**
   * Receives the outcomes in the order of the lines, several together. The lines stay in flight until the promise resolves, so a slow reader
   * of the outcomes delays the input. Must not reject.
   */
  report: (outcomes: readonly LineOutcome<Answer>[]) => void | Promise<void>;
};

/** The most outcomes that are reported together. */
const MAX_REPORTED = 500;

/**
 * Sends the lines of an input; used by `sequent invoke --batch` and by the batches of the HTTP API.
 *
 * 1. A wrong line is reported with its number, and the next line is sent.
 * 2. After the first failure no further line is sent.
 * 3. Resolves when every line that was read has been reported. Then rejects with the error of the input, if the input failed, and with
 *    `InvalidInputError` at the first line beyond `maxLines`.
 */
export async function sendLines<Answer>(input: AsyncIterable<Uint8Array>, options: SendLinesOptions<Answer>): Promise<void> {
  await new SentLines(options).run(input);
}

type Slot<Answer> = { bytes: number; outcome: LineOutcome<Answer> | undefined };

class SentLines<Answer> {
  readonly #options: SendLinesOptions<Answer>;
  readonly #window: FlowWindow;
  /** The lines in flight, in their order. */
  #slots: Slot<Answer>[] = [];
  #isReporting = false;
  #hasFailed = false;

  constructor(options: SendLinesOptions<Answer>) {
    this.#options = options;
    this.#window = new FlowWindow(options.inFlight);
  }

  async run(input: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const lines of readLines(input, this.#options.maxLineBytes)) {
        for (const line of lines) if (!(await this.#admit(line))) return;
      }
    } finally {
      await this.#window.drained();
    }
  }

  /** Starts a line once the line fits. Returns false when no line is sent any more. */
  async #admit(line: Line): Promise<boolean> {
    const { maxLines = Number.POSITIVE_INFINITY } = this.#options;
    if (line.number > maxLines) throw tooManyLines(line.number, maxLines);
    await this.#window.enter(bytesOf(line));
    if (this.#hasFailed) this.#window.leave(bytesOf(line));
    else this.#start(line);
    return !this.#hasFailed;
  }

  #start(line: Line): void {
    const { number } = line;
    const slot: Slot<Answer> = { bytes: bytesOf(line), outcome: undefined };
    this.#slots.push(slot);
    if ('problem' in line) this.#settle(slot, line);
    else
      this.#options.send(line).then(
        (answer) => this.#settle(slot, { number, answer }),
        (error: unknown) =>
          this.#settle(slot, error instanceof InvalidInputError ? { number, problem: error } : { number, failure: error }),
      );
  }

  #settle(slot: Slot<Answer>, outcome: LineOutcome<Answer>): void {
    slot.outcome = outcome;
    if ('failure' in outcome) this.#hasFailed = true;
    if (this.#isReporting) return;
    this.#isReporting = true;
    void this.#report();
  }

  async #report(): Promise<void> {
    // The lines of one message of the log are settled in one turn, and are reported together.
    await nextTurn();
    for (let settled = this.#takeSettled(); settled.length > 0; settled = this.#takeSettled()) {
      await this.#options.report(settled.map(({ outcome }) => outcome));
      for (const { bytes } of settled) this.#window.leave(bytes);
    }
    this.#isReporting = false;
  }

  #takeSettled(): { bytes: number; outcome: LineOutcome<Answer> }[] {
    const settled: { bytes: number; outcome: LineOutcome<Answer> }[] = [];
    for (const { bytes, outcome } of this.#slots) {
      if (outcome === undefined || settled.length === MAX_REPORTED) break;
      settled.push({ bytes, outcome });
    }
    this.#slots.splice(0, settled.length);
    return settled;
  }
}

/** A line that cannot be read was not kept. */
function bytesOf(line: Line): number {
  return 'bytes' in line ? line.bytes : 0;
}

function tooManyLines(number: number, maxLines: number): InvalidInputError {
  const problem = `is not accepted: a batch has at most ${maxLines} lines; send the line and those after it as another batch`;
  return new InvalidInputError({ field: `line ${number}`, problem });
}
