import type { NameOf } from '#src/core/errors.ts';
import type { LineOutcome } from '#src/core/lines/send-lines.ts';
import { toHttpError } from '#src/gateway/http/http-error.ts';
import { toProblem } from '../problem.ts';

/** An accepted line. `isRepeated`: it was accepted before under its key. */
export type AcceptedLine = { requestId: string; isRepeated: boolean };

/** The reply to a batch, as JSON lines: `accepted` and `refused` lines, and one `end`. Holds counts only. */
export class BatchReport {
  readonly #id: string;
  readonly #nameOf: NameOf;
  readonly #listsIds: boolean;
  readonly #counts = { accepted: 0, repeated: 0, refused: 0, unanswered: 0 };
  #firstUnanswered: number | undefined;
  #failure: unknown;

  constructor({ id, nameOf, listsIds }: { id: string; nameOf: NameOf; listsIds: boolean }) {
    this.#id = id;
    this.#nameOf = nameOf;
    this.#listsIds = listsIds;
  }

  /** What ended the batch early. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Counts outcomes, and returns their part of the reply. */
  record(outcomes: readonly LineOutcome<AcceptedLine>[]): string {
    const accepted: { line: number; answer: AcceptedLine }[] = [];
    const lines: object[] = [];
    for (const outcome of outcomes) {
      const { number: line } = outcome;
      if ('answer' in outcome) accepted.push({ line, answer: outcome.answer });
      else if ('problem' in outcome) {
        this.#counts.refused++;
        lines.push({ type: 'refused', line, detail: outcome.problem.messageFor(this.#nameOf) });
      } else {
        this.#counts.unanswered++;
        this.#firstUnanswered ??= line;
        this.fail(outcome.failure);
      }
    }
    if (accepted.length > 0) lines.push(this.#acceptedLine(accepted));
    return render(lines);
  }

  /** Ends the batch early. The first failure counts. */
  fail(error: unknown): void {
    this.#failure ??= error;
  }

  end(): string {
    const problem = this.#failure === undefined ? {} : { problem: toProblem(toHttpError(this.#failure), this.#nameOf) };
    const first = this.#firstUnanswered === undefined ? {} : { first_unanswered: this.#firstUnanswered };
    return render([{ type: 'end', batch: this.#id, ...this.#counts, ...first, ...problem }]);
  }

  #acceptedLine(accepted: readonly { line: number; answer: AcceptedLine }[]): object {
    const repeated = accepted.filter(({ answer }) => answer.isRepeated).length;
    this.#counts.accepted += accepted.length - repeated;
    this.#counts.repeated += repeated;
    const invocations = accepted.map(({ line, answer }) => ({ line, request_id: answer.requestId }));
    return {
      type: 'accepted',
      first: accepted[0]?.line,
      last: accepted.at(-1)?.line,
      accepted: accepted.length - repeated,
      repeated,
      ...(this.#listsIds ? { invocations } : {}),
    };
  }
}

function render(lines: readonly object[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}
