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

/**
 * Why a JSON text costs too much to be parsed; `undefined` when it does not. Does not check that the text is JSON.
 *
 * Takes a time that the bounds limit: it passes over strings natively, and ends at the first excess.
 */
export function refuseCostlyJson(body: Uint8Array, { values: maxValues, loose: maxLoose }: JsonBounds = NONE): CostlyJson | undefined {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  let depth = 0;
  let values = 0;
  let loose = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    loose++;
    if (byte === QUOTE) {
      const found = endOfString(bytes, at, maxLoose);
      at = found.end;
      loose += found.escaped;
    }
    depth += depths[byte] ?? 0;
    values += counts[byte] ?? 0;
    if (depth > MAX_DEPTH) return { status: 406, problem: `nests deeper than ${MAX_DEPTH} levels` };
    if (values > maxValues) return { status: 413, problem: `has more than ${maxValues} values` };
    if (loose > maxLoose) return { status: 413, problem: `has more than ${maxLoose} bytes outside of its strings` };
  }
  return undefined;
}

/** The end of the string that begins at a quote, and how many escaped quotes it has. */
function endOfString(bytes: Buffer, start: number, maxEscaped: number): { end: number; escaped: number } {
  let escaped = 0;
  for (let end = bytes.indexOf(QUOTE, start + 1); end >= 0; end = bytes.indexOf(QUOTE, end + 1)) {
    let slashes = 0;
    while (bytes[end - 1 - slashes] === BACKSLASH) slashes++;
    if (slashes % 2 === 0 || escaped > maxEscaped) return { end, escaped };
    escaped++;
  }
  return { end: bytes.length, escaped };
}
