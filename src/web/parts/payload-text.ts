import { indentJson, jsonToken } from '#src/core/json/json-parts.ts';

/** A token of a JSON text. */
export type Token = { kind: 'key' | 'string' | 'number' | 'literal' | 'punctuation' | 'secret'; text: string };

const secretKey = /pass(word|wd|phrase)?$|secret|token|authorization|api[-_]?key|private[-_]?key|credential|cookie/i;
/** A longer text is not highlighted, because that would block the page. */
const MAX_HIGHLIGHTED = 100_000;

/** Indents a JSON text, and keeps its numbers and strings as they are written. Any other text is returned unchanged. */
export function formatJson(text: string): { text: string; isJson: boolean } {
  if (!isJson(text)) return { text, isJson: false };
  return { text: indentJson(text), isJson: true };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Whether a text is probably binary: more than 2 % of its first characters are control characters. */
export function isBinary(text: string): boolean {
  const head = text.slice(0, 4_096);
  let controls = 0;
  for (let index = 0; index < head.length; index++) {
    const code = head.charCodeAt(index);
    if (code === 0xfffd || (code < 32 && code !== 9 && code !== 10 && code !== 13 && code !== 27)) controls++;
  }
  return controls > 0 && controls / head.length > 0.02;
}

/** A hex dump of a text's bytes, sixteen a row. */
export function hexRows(text: string, maxBytes = 4_096): string {
  const bytes = new TextEncoder().encode(text).subarray(0, maxBytes);
  const rows: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = bytes.subarray(at, at + 16);
    const hex = Array.from(row, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const letters = Array.from(row, (byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '·')).join('');
    rows.push(`${at.toString(16).padStart(6, '0')}  ${hex.padEnd(47)}  ${letters}`);
  }
  return rows.join('\n');
}

/** Splits a JSON text into tokens. Values of keys that look like secrets get the kind `secret`, so that the page can mask them. */
export function tokensOf(json: string): Token[] {
  if (json.length > MAX_HIGHLIGHTED) return [{ kind: 'literal', text: json }];
  const found = json.match(jsonToken) ?? [];
  let key = '';
  return found.map((text, index) => {
    const kind = kindOf(text, found[index + 1] === ':', key);
    if (kind === 'key') key = text.slice(1, -1);
    else if (/^[[\]{}]$/.test(text)) key = '';
    return { kind, text };
  });
}

function kindOf(text: string, isKey: boolean, key: string): Token['kind'] {
  if (text.startsWith('"')) {
    if (isKey) return 'key';
    return secretKey.test(key) && text.length > 2 ? 'secret' : 'string';
  }
  if (/^-?\d/.test(text)) return 'number';
  return /^(true|false|null)$/.test(text) ? 'literal' : 'punctuation';
}

export function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

export function formatBytes(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  const units = ['KB', 'MB', 'GB', 'TB'];
  let value = bytes / 1_024;
  let unit = 0;
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024;
    unit++;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}
