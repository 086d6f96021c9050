/** A piece of a JSON text, with what it is. */
export type Piece = { kind: 'key' | 'string' | 'number' | 'word' | 'sign' | 'secret'; text: string };

const tokens = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[{}[\],:]|\s+|[^\s"{}[\],:]+/g;
const secretName = /pass(word|wd|phrase)?$|secret|token|authorization|api[-_]?key|private[-_]?key|credential|cookie/i;
/** Beyond this many characters a value is shown as it is: colouring it would hold the page. */
const MOST_COLOURED = 100_000;

/** JSON as a person reads it, or the text as it is. */
export function pretty(text: string): { text: string; isJson: boolean } {
  try {
    return { text: JSON.stringify(JSON.parse(text), null, 2), isJson: true };
  } catch {
    return { text, isJson: false };
  }
}

/** Whether a text is more likely bytes than something to read. */
export function isBinary(text: string): boolean {
  const head = text.slice(0, 4_096);
  let odd = 0;
  for (let index = 0; index < head.length; index++) {
    const code = head.charCodeAt(index);
    if (code === 0xfffd || (code < 32 && code !== 9 && code !== 10 && code !== 13 && code !== 27)) odd++;
  }
  return odd > 0 && odd / head.length > 0.02;
}

/** The bytes of a text in rows of sixteen. */
export function hexRows(text: string, mostBytes = 4_096): string {
  const bytes = new TextEncoder().encode(text).subarray(0, mostBytes);
  const rows: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = bytes.subarray(at, at + 16);
    const hex = Array.from(row, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const letters = Array.from(row, (byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '·')).join('');
    rows.push(`${at.toString(16).padStart(6, '0')}  ${hex.padEnd(47)}  ${letters}`);
  }
  return rows.join('\n');
}

/** The pieces of a JSON text. The values of names that sound secret are marked, so that a screen that is shared tells nothing. */
export function piecesOf(json: string): Piece[] {
  if (json.length > MOST_COLOURED) return [{ kind: 'word', text: json }];
  const found = json.match(tokens) ?? [];
  let name = '';
  return found.map((text, index) => {
    const kind = kindOf(text, found[index + 1] === ':', name);
    if (kind === 'key') name = text.slice(1, -1);
    else if (/^[[\]{}]$/.test(text)) name = '';
    return { kind, text };
  });
}

function kindOf(text: string, isKey: boolean, name: string): Piece['kind'] {
  if (text.startsWith('"')) {
    if (isKey) return 'key';
    return secretName.test(name) && text.length > 2 ? 'secret' : 'string';
  }
  if (/^-?\d/.test(text)) return 'number';
  return /^(true|false|null)$/.test(text) ? 'word' : 'sign';
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
