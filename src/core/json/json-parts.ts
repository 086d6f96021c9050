import { parseJson } from './json.ts';

/*
 * The parts of a JSON text as they are written. `JSON.parse` and `JSON.stringify` would change numbers beyond 2^53. Every function expects a
 * text that JSON.parse accepts.
 */

export const jsonToken = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[{}[\],:]|\s+|[^\s"{}[\],:]+/g;

/** A longer text stays as it is, because the pattern of a token takes memory for each character of a string. */
const MAX_INDENTED = 1_000_000;

/** The text as `JSON.stringify` indents it by two spaces. */
export function indentJson(text: string): string {
  return text.length > MAX_INDENTED ? text : indented((text.match(jsonToken) ?? []).filter((token) => token.trim() !== ''));
}

function indented(tokens: readonly string[]): string {
  let depth = 0;
  let result = '';
  for (const [index, token] of tokens.entries()) {
    if (isClosing(token) && !isOpening(tokens[index - 1])) result += newLine(--depth);
    result += token === ':' ? ': ' : token;
    if (isOpening(token) && !isClosing(tokens[index + 1])) result += newLine(++depth);
    else if (token === ',') result += newLine(depth);
  }
  return result;
}

const newLine = (depth: number): string => `\n${'  '.repeat(depth)}`;
const isOpening = (token: string | undefined): boolean => token === '{' || token === '[';
const isClosing = (token: string | undefined): boolean => token === '}' || token === ']';

/** The text without the space between its tokens. A text that is no JSON stays as it is. */
export function compactJson(text: string): string {
  return parseJson(text) === undefined ? text : text.replaceAll(/("(?:[^"\\]|\\.)*")|\s+/g, '$1');
}

/** The JSON of an object, with a last member whose value is the given text; without the member for `undefined`. */
export function jsonWith(object: object, name: string, text: string | undefined): string {
  const json = JSON.stringify(object);
  return text === undefined ? json : `${json.slice(0, -1)}${json === '{}' ? '' : ','}${JSON.stringify(name)}:${text}}`;
}

/** The texts of the elements of an array. */
export function elementTexts(text: string): string[] {
  return partsOf(text).map(({ start, end }) => text.slice(start, end).trim());
}

/** The text of the member of an object that JSON.parse would return: the last one of this name; `undefined` when there is none. */
export function memberText(text: string, name: string): string | undefined {
  for (const { start, end } of partsOf(text).toReversed()) {
    const colon = text.indexOf(':', endOfString(text, text.indexOf('"', start)));
    if (JSON.parse(text.slice(start, colon)) === name) return text.slice(colon + 1, end).trim();
  }
  return undefined;
}

type Part = { start: number; end: number };

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
/** What a character outside of strings adds to the depth. */
const depths = new Int8Array(128);
for (const character of '[{') depths[character.charCodeAt(0)] = 1;
for (const character of ']}') depths[character.charCodeAt(0)] = -1;

/**
 * The parts of the outermost array or object: what is between its commas.
 *
 * One pass over the characters, because a text may have megabytes: a pattern for strings would take memory for each character of a string.
 */
function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  let start = text.search(/[[{]/) + 1;
  for (let at = start, depth = 1; depth > 0 && at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else depth += depths[code] ?? 0;
    const isEnd = depth === 0 || (depth === 1 && code === COMMA);
    if (isEnd) {
      parts.push({ start, end: at });
      start = at + 1;
    }
  }
  const isEmpty = parts.length === 1 && text.slice(parts[0]?.start, parts[0]?.end).trim() === '';
  return isEmpty ? [] : parts;
}

/** The position of the quotation mark that ends the string that begins at another one. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let slashes = 0;
    while (text.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return at;
  }
  return text.length;
}
