/** A longer text is checked in parts of this length. */
export const LONG_JSON = 65_536;

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;

/**
 * Checks that JSON.parse accepts a long text, in parts, between which the thread may serve others. Throws `SyntaxError`.
 *
 * A part ends after a comma. With the brackets that are open at its beginning and its end, it is a JSON text if and only if the whole text can go on
 * from it. A long string is parsed at once: it is the cheapest JSON.
 */
export function* checkLongJson(text: string, partLength = LONG_JSON): Generator<undefined, void> {
  const open: string[] = [];
  let start = 0;
  let prefix = '';
  /** The last character that is no space. */
  let before = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (isSpace(code)) continue;
    if (code === QUOTE) at = yield* endOfString(text, at);
    else if (code === COMMA && at - start >= partLength && open.length > 0) {
      if (endsNoItem(before)) throw new SyntaxError(`Unexpected token ',' at position ${at}`);
      JSON.parse(prefix + text.slice(start, at) + closingOf(open));
      prefix = prefixOf(open);
      start = at + 1;
      yield;
      expectItem(text, start);
    } else follow(open, text.charAt(at));
    before = code;
  }
  JSON.parse(prefix + text.slice(start));
}

/** An opening bracket or a comma. */
const endsNoItem = (code: number): boolean => code === 0x5b || code === 0x7b || code === COMMA;

function follow(open: string[], character: string): void {
  if (character === '[' || character === '{') open.push(character);
  else if (character === ']' || character === '}') open.pop();
}

/** After a comma, an array or an object has another item. */
function expectItem(text: string, start: number): void {
  let at = start;
  while (isSpace(text.charCodeAt(at))) at++;
  const next = text.charAt(at);
  if (next === ']' || next === '}') throw new SyntaxError(`Unexpected token '${next}' at position ${at}`);
}

/** The brackets that are open before an item: a value for each object around the innermost one. */
function prefixOf(open: readonly string[]): string {
  return open.map((bracket, index) => (bracket === '{' && index < open.length - 1 ? '{"":' : bracket)).join('');
}

function closingOf(open: readonly string[]): string {
  return open
    .toReversed()
    .map((bracket) => (bracket === '{' ? '}' : ']'))
    .join('');
}

/** So many escaped quotes are passed at once. */
const QUOTES = 10_000;

function* endOfString(text: string, start: number): Generator<undefined, number> {
  let quotes = 0;
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let slashes = 0;
    while (text.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return at;
    if (++quotes % QUOTES === 0) yield;
  }
  return text.length;
}
