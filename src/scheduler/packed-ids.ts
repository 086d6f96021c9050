/** How many 32-bit numbers hold an id in the form of a UUID. */
export const PACKED_LENGTH = 4;

const LENGTH = 36;
const DASH = 45;
const NO_DIGIT = -1;

/** The value of each lower-case hexadecimal digit, by its character code. */
const digitOf = new Int8Array(128).fill(NO_DIGIT);
for (let digit = 0; digit < 16; digit++) digitOf[digit.toString(16).charCodeAt(0)] = digit;

/** Packs a lower-case UUID into four numbers; false for every other text. */
export function packId(id: string, packed: Int32Array): boolean {
  if (id.length !== LENGTH) return false;
  let word = 0;
  let digits = 0;
  for (let at = 0; at < LENGTH; at++) {
    const code = id.charCodeAt(at);
    if (isDashAt(at)) {
      if (code !== DASH) return false;
      continue;
    }
    const digit = digitOf[code] ?? NO_DIGIT;
    if (digit === NO_DIGIT) return false;
    word = (word << 4) | digit;
    digits++;
    if ((digits & 7) === 0) packed[(digits >>> 3) - 1] = word;
  }
  return true;
}

function isDashAt(at: number): boolean {
  return at === 8 || at === 13 || at === 18 || at === 23;
}

/** The text of the packed id at a place in an array. */
export function unpackId(numbers: Int32Array, start = 0): string {
  let hex = '';
  for (let at = start; at < start + PACKED_LENGTH; at++) hex += ((numbers[at] as number) >>> 0).toString(16).padStart(8, '0');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** A hash of the packed id at a place in an array. */
export function hashOfPacked(numbers: Int32Array, start = 0): number {
  let hash = 0;
  for (let at = start; at < start + PACKED_LENGTH; at++) hash = mix(hash, numbers[at] as number);
  return hash;
}

/** A hash of any text. */
export function hashOfText(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return mix(hash, text.length);
}

/** Mixes all bits of two numbers (the finalizer of MurmurHash3). */
export function mix(hash: number, word: number): number {
  let mixed = Math.imul(hash, 31) + word;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
