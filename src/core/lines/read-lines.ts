import { InvalidInputError } from '#src/core/errors.ts';

/** A line of an input. `number` counts from 1. `problem` is why the line cannot be read. */
export type Line = { number: number; text: string; bytes: number } | { number: number; problem: InvalidInputError };

const NEWLINE = 10;

/**
 * Reads lines of UTF-8 text, without holding more than one line and one chunk. A line of more than `maxBytes` is skipped, and has a problem.
 * Empty lines are counted, and not returned.
 */
export async function* readLines(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Line[]> {
  const reader = new LineReader(maxBytes);
  for await (const chunk of chunks) yield reader.read(chunk);
  yield reader.end();
}

class LineReader {
  readonly #maxBytes: number;
  #number = 0;
  /** The beginning of the line that no chunk has ended yet. It is empty once the line is too long. */
  #parts: Uint8Array[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  read(chunk: Uint8Array): Line[] {
    const lines: Line[] = [];
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      this.#keep(chunk.subarray(from, at));
      lines.push(...this.#take());
      from = at + 1;
    }
    this.#keep(chunk.subarray(from));
    return lines;
  }

  end(): Line[] {
    return this.#bytes === 0 ? [] : this.#take();
  }

  #keep(part: Uint8Array): void {
    this.#bytes += part.byteLength;
    if (this.#bytes > this.#maxBytes) this.#parts = [];
    else if (part.byteLength > 0) this.#parts.push(part);
  }

  #take(): Line[] {
    const [parts, bytes] = [this.#parts, this.#bytes];
    this.#parts = [];
    this.#bytes = 0;
    const number = ++this.#number;
    if (bytes > this.#maxBytes) return [{ number, problem: problemOf(`has more than ${this.#maxBytes} bytes`) }];
    const text = decode(parts);
    if (text === undefined) return [{ number, problem: problemOf('is not UTF-8 text') }];
    return text.trim() === '' ? [] : [{ number, text, bytes }];
  }
}

function problemOf(problem: string): InvalidInputError {
  return new InvalidInputError({ field: 'the payload', problem });
}

const strict = new TextDecoder('utf-8', { fatal: true });

function decode(parts: readonly Uint8Array[]): string | undefined {
  try {
    return strict.decode(parts.length === 1 ? parts[0] : Buffer.concat(parts));
  } catch {
    return undefined;
  }
}
