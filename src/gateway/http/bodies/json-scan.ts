/** The deepest nesting of a request body: serialising JSON recurses once per level. */
export const MAX_DEPTH = 1_000;

/** What a JSON text may cost the thread that parses it. A long string is cheap; many small values are not. */
export type JsonBounds = {
  /** How many values: members of objects and elements of arrays. */
  values: number;
  /** How many bytes outside of strings, with the escaped quotes in strings. */
  loose: number;
};

/** The bounds of a request that describes something, such as a function. Its schema checks each value, and the worst one takes 4 µs. */
export const DESCRIPTION_BOUNDS: JsonBounds = { values: 10_000, loose: 1_024 * 1_024 };
/** The bounds of the files of a package, of which 10,000 are 30,000 values, and of the event of a schedule. */
export const LARGE_BOUNDS: JsonBounds = { values: 50_000, loose: 4 * 1_024 * 1_024 };
/** The bounds of an array of events. */
export const EVENTS_BOUNDS: JsonBounds = { values: 200_000, loose: 8 * 1_024 * 1_024 };
const NONE: JsonBounds = { values: Number.POSITIVE_INFINITY, loose: Number.POSITIVE_INFINITY };

/** Why a body is refused, and the status that says so. */
export type CostlyJson = { status: 406 | 413; problem: string };

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** What a byte outside of strings adds to the depth, and to the values. */
const depths = new Int8Array(256);
const counts = new Uint8Array(256);
for (const byte of Buffer.from('[{')) depths[byte] = 1;
for (const byte of Buffer.from(']}')) depths[byte] = -1;
for (const byte of Buffer.from(',[{')) counts[byte] = 1;

/** A string in a JSON text: where its quotes are, and whether it is the name of a member. */
export type JsonString = { start: number; end: number };

/**
 * Why a JSON text costs too much to be parsed; `undefined` when it does not. Does not check that the text is JSON.
 *
 * Takes a time that the bounds limit: it passes over strings natively, and ends at the first excess.
 */
export function refuseCostlyJson(body: Uint8Array, bounds: JsonBounds = NONE): CostlyJson | undefined {
  const scanning = scanJson(body, bounds);
  let step = scanning.next();
  while (step.done !== true) step = scanning.next();
  return step.value;
}

/** The steps between two yields of a scan, each a byte outside of strings or a quote in them: about a millisecond. */
const STEPS = 65_536;

/** The same in parts, for a body that takes the thread for long. Calls `onString` for each string that is not shorter than `minBytes`. */
export function* scanJson(body: Uint8Array, bounds: JsonBounds = NONE, onString?: OnString): Generator<undefined, CostlyJson | undefined> {
  const scan = new JsonScan(body, bounds, onString);
  for (let at = 0; at < body.length; at++) {
    at = scan.pass(at);
    const refused = scan.refused();
    if (refused !== undefined) return refused;
    if (scan.isPartOver()) yield;
  }
  return undefined;
}

type OnString = { minBytes: number; found(string: JsonString): void };

class JsonScan {
  readonly #bytes: Buffer;
  readonly #bounds: JsonBounds;
  readonly #onString: OnString;
  #depth = 0;
  #values = 0;
  #loose = 0;
  #steps = 0;
  /** Where the string began that the last step did not pass to its end. */
  #start: number | undefined;

  constructor(body: Uint8Array, bounds: JsonBounds, onString: OnString = { minBytes: Number.POSITIVE_INFINITY, found: () => {} }) {
    this.#bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    this.#bounds = bounds;
    this.#onString = onString;
  }

  /** Passes over the byte at a position, or over a string. Returns the last position that it passed. */
  pass(at: number): number {
    if (this.#start !== undefined) return this.#passString(this.#start, at);
    const byte = this.#bytes[at] ?? 0;
    this.#steps++;
    this.#loose++;
    this.#depth += depths[byte] ?? 0;
    this.#values += counts[byte] ?? 0;
    return byte === QUOTE ? this.#passString(at, at + 1) : at;
  }

  refused(): CostlyJson | undefined {
    const { values, loose } = this.#bounds;
    if (this.#depth > MAX_DEPTH) return { status: 406, problem: `nests deeper than ${MAX_DEPTH} levels` };
    if (this.#values > values) return { status: 413, problem: `has more than ${values} values` };
    if (this.#loose > loose) return { status: 413, problem: `has more than ${loose} bytes outside of its strings` };
    return undefined;
  }

  isPartOver(): boolean {
    if (this.#steps < STEPS) return false;
    this.#steps = 0;
    return true;
  }

  /** Ends early, at an escaped quote, when the part is over. */
  #passString(start: number, from: number): number {
    for (let at = this.#bytes.indexOf(QUOTE, from); at >= 0; at = this.#bytes.indexOf(QUOTE, at + 1)) {
      const slashes = this.#slashesBefore(at);
      if (slashes % 2 === 0) return this.#endString(start, at);
      this.#loose++;
      this.#steps += slashes + 1;
      this.#start = start;
      if (this.#steps >= STEPS) return at;
    }
    return this.#endString(start, this.#bytes.length);
  }

  #endString(start: number, end: number): number {
    this.#start = undefined;
    if (end - start >= this.#onString.minBytes) this.#onString.found({ start, end });
    return end;
  }

  /** How many backslashes are before a position. More than the bound count as bytes outside of strings. */
  #slashesBefore(at: number): number {
    let slashes = 0;
    while (slashes <= this.#bounds.loose && this.#bytes[at - 1 - slashes] === BACKSLASH) slashes++;
    if (slashes > this.#bounds.loose) this.#loose += slashes;
    return slashes;
  }
}
