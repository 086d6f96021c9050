/*
 * The parts of a JSON text as they are written. `JSON.parse` and `JSON.stringify` would change numbers beyond 2^53. Every function expects a
 * text that JSON.parse accepts.
 */

/** The texts of the elements of an array. */
export function elementTexts(text: string): string[] {
  return partsOf(text).map(({ start, end }) => text.slice(start, end).trim());
}

/** The text of the member of an object that JSON.parse would return: the last one of this name; `undefined` when there is none. */
export function memberText(text: string, name: string): string | undefined {
  for (const { start, end, colon } of partsOf(text).toReversed())
    if (JSON.parse(text.slice(start, colon)) === name) return text.slice(colon + 1, end).trim();
  return undefined;
}

type Part = { start: number; end: number; colon: number };

/** The outermost parts of an array or an object, with the position of the first colon of each. Strings are skipped as a whole. */
function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  let [depth, start, colon] = [0, 0, -1];
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}:,]/g)) {
    if (token === '[' || token === '{') {
      if (depth++ === 0) start = index + 1;
    } else if (token === ']' || token === '}') {
      if (--depth === 0) parts.push({ start, end: index, colon });
    } else if (depth === 1 && token === ',') {
      parts.push({ start, end: index, colon });
      [start, colon] = [index + 1, -1];
    } else if (depth === 1 && token === ':' && colon === -1) colon = index;
  }
  const [only] = parts;
  return parts.length === 1 && only !== undefined && text.slice(only.start, only.end).trim() === '' ? [] : parts;
}
