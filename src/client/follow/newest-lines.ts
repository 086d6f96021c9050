import type { EndedAttempt, LogLine } from '#src/core/output/attempt-lines.ts';

/** The characters of the lines of one read. A function that keeps its whole output may print lines of 4 MB. */
const MAX_CHARACTERS = 8 * 1_024 * 1_024;

/** The last lines of many: at most the limit, and {@link MAX_CHARACTERS}. */
export class NewestLines {
  isComplete = true;
  readonly #limit: number;
  #lines: LogLine[] = [];
  #characters = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get lines(): LogLine[] {
    this.#cut();
    return this.#lines;
  }

  /** Adds the lines of attempts, the newest first, so that no output is read whose lines the limit leaves out. */
  async addBackwards(attempts: readonly EndedAttempt[], read: (attempt: EndedAttempt) => Promise<LogLine[]>): Promise<void> {
    for (const attempt of attempts.toReversed()) {
      if (this.#lines.length >= this.#limit || this.#characters >= MAX_CHARACTERS) {
        this.isComplete = false;
        return;
      }
      const lines = await read(attempt);
      this.#characters += charactersOf(lines);
      this.#lines = [...lines, ...this.#lines];
    }
  }

  add(lines: readonly LogLine[]): void {
    for (const line of lines) this.#lines.push(line);
    this.#characters += charactersOf(lines);
    // Cut seldom, so that a line is moved once.
    if (this.#lines.length > 2 * this.#limit || this.#characters > 2 * MAX_CHARACTERS) this.#cut();
  }

  /** Keeps the newest line also when it alone is longer. */
  #cut(): void {
    let from = Math.max(0, this.#lines.length - this.#limit);
    let characters = charactersOf(this.#lines.slice(from));
    for (; characters > MAX_CHARACTERS && from < this.#lines.length - 1; from++)
      characters -= charactersOf(this.#lines.slice(from, from + 1));
    if (from === 0) return;
    this.isComplete = false;
    this.#lines = this.#lines.slice(from);
    this.#characters = characters;
  }
}

/** A plain line is its own message, and is stored once. */
function charactersOf(lines: readonly LogLine[]): number {
  return lines.reduce((sum, { text, message }) => sum + text.length + (message === text ? 0 : message.length), 0);
}
