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

/** The parts of the outermost array or object, with the position of the first colon of each. */
function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  const [opening, ...tokens] = outerTokens(text);
  let part: Part = { start: (opening?.index ?? 0) + 1, end: 0, colon: -1 };
  for (const { token, index } of tokens) {
    if (token !== ':') {
      parts.push({ ...part, end: index });
      part = { start: index + 1, end: 0, colon: -1 };
    } else if (part.colon === -1) part.colon = index;
  }
  const isEmpty = parts.length === 1 && text.slice(parts[0]?.start, parts[0]?.end).trim() === '';
  return isEmpty ? [] : parts;
}

type Token = { token: string; index: number };

/** The brackets, commas and colons of the outermost array or object. A string is one token, so its characters count for nothing. */
function outerTokens(text: string): Token[] {
  const tokens: Token[] = [];
  let depth = 0;
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}:,]/g)) {
    if (token === '[' || token === '{') depth++;
    if (depth === 1 && !token.startsWith('"')) tokens.push({ token, index });
    if (token === ']' || token === '}') depth--;
  }
  return tokens;
}
