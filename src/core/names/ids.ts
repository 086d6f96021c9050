import { hash } from 'node:crypto';
import { isRequestId, type RequestId, type StreamId } from './names.ts';

/**
 * Request ids.
 *
 * - Ids that Sequent creates are UUIDs of version 8: 48 bits of time in milliseconds, 58 bits that make the stream unique, and 16 bits for the
 *   index of the request in its batch. The stream of such an id is the id with its last 16 bits cleared.
 * - Ids that Sequent derives from another invocation are UUIDs of version 8, too, of a variant that is reserved. Their bits come from the
 *   cause. Such an id is its own stream. No client can bring one (OWN1).
 * - Every other id is its own stream, and thereby an idempotency key.
 */

/** The maximum number of requests in one message. */
export const MAX_BATCH = 64;

const ownId = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/**
 * Whether the id has the form of the ids that Sequent creates, which are unique. Compares the version digit first, because nearly all other
 * ids differ there and the pattern costs more.
 */
export function isCreatedId(id: string): boolean {
  return id[14] === '8' && ownId.test(id);
}

/** The first digit of the fourth group of a derived id: a variant that RFC 9562 reserves. */
const DERIVED_VARIANT = 'e';
const derived = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-e[0-9a-f]{3}-[0-9a-f]{12}$/;

/** Whether the id has the form of {@link derivedId}. */
export function isDerivedForm(id: string): boolean {
  return id[14] === '8' && derived.test(id);
}

export function streamOf(id: RequestId): StreamId {
  return (isCreatedId(id) ? `${id.slice(0, 32)}0000` : id) as string as StreamId;
}

/** Whether the text has the form of {@link createStreamId}. */
export function isStreamId(text: string): text is StreamId {
  return isCreatedId(text) && text.endsWith('0000');
}

/** The id of the request at an index (0 to 63) of a batch. */
export function idAt(stream: StreamId, index: number): RequestId {
  return (stream.slice(0, 32) + index.toString(16).padStart(4, '0')) as RequestId;
}

/**
 * Whether a caller may bring this id. An id in Sequent's form that points into a batch would belong to the stream of another request, and a
 * derived id would be the id of an invocation that follows from another one.
 */
export function canBeBrought(id: string): id is RequestId {
  return isRequestId(id) && (!isCreatedId(id) || isStreamId(id)) && !isDerivedForm(id);
}

/** Creates the stream id of new requests from the time and 8 random bytes. */
export function createStreamId(now: number, random: Uint8Array): StreamId {
  const hex = Buffer.from(random).toString('hex');
  // The top bit of the unique part is set. Ids that derive from a sequence have it clear, so the two never collide.
  const unique = ((Number.parseInt(hex.slice(0, 3), 16) | 0x800) >>> 0).toString(16) + hex.slice(3, 15);
  return format(now, unique);
}

/** The id of a request that was published without one. It derives from the sequence, so every reader computes the same id. */
export function idFromSequence(at: number, sequence: number): StreamId {
  const digits = sequence.toString(16);
  if (digits.length > 8) return format(at, digits.padStart(15, '0'));
  // Nearly every sequence has 32 bits, and every reader computes the id of every request.
  return `${timeOf(at)}-8000-8000-${digits.padStart(8, '0')}0000` as StreamId;
}

/** Matches a cause that starts with an id whose first 48 bits are a time. */
const timed = /^[0-9a-f]{8}-[0-9a-f]{4}-[78]/;

/**
 * The id of an invocation that follows from another one. An equal cause gives an equal id, so a repeated request starts nothing.
 *
 * A cause that starts with an id with a time keeps the time (docs/performance.md H8).
 */
export function derivedId(cause: string): RequestId {
  const hex = hash('sha1', cause);
  const start = timed.test(cause) ? cause.slice(0, 13) : `${hex.slice(0, 8)}-${hex.slice(8, 12)}`;
  return `${start}-8${hex.slice(13, 16)}-${DERIVED_VARIANT}${hex.slice(17, 20)}-${hex.slice(20, 32)}` as RequestId;
}

/**
 * The id of a request with an idempotency key that cannot be its id: a UUID of version 7 with the time of the key, else of version 5.
 */
export function keyedId(key: string): RequestId {
  const hex = hash('sha1', key);
  const start = timed.test(key) ? `${key.slice(0, 13)}-7` : `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5`;
  return `${start}${hex.slice(13, 16)}-${variantOf(hex)}${hex.slice(17, 20)}-${hex.slice(20, 32)}` as RequestId;
}

function variantOf(hex: string): string {
  return ((Number.parseInt(hex[16] ?? '0', 16) & 0x3) | 0x8).toString(16);
}

const keyed = /^[0-9a-f]{8}-[0-9a-f]{4}-[57][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Whether the id has a form of {@link keyedId}. UUIDs of the versions 5 and 7 have these forms too. */
export function isKeyedForm(id: string): boolean {
  return keyed.test(id);
}

/** The first two groups of an id. */
function timeOf(at: number): string {
  const time = Math.max(0, Math.floor(at)).toString(16).padStart(12, '0').slice(-12);
  return `${time.slice(0, 8)}-${time.slice(8)}`;
}

/** `unique` has 15 hexadecimal digits, of which 58 bits are kept. */
function format(at: number, unique: string): StreamId {
  const variant = (0x8 | (Number.parseInt(unique[3] ?? '0', 16) & 0x3)).toString(16);
  const groups = [timeOf(at), `8${unique.slice(0, 3)}`, `${variant}${unique.slice(4, 7)}`, `${unique.slice(7, 15)}0000`];
  // `join`, because a template would retain its parts (docs/performance.md V5).
  return groups.join('-') as StreamId;
}

/** The text that identifies a stream in a map. Neither part contains a dot, so two streams never share a key. */
export function streamKey({ function: fn, stream }: { function: string; stream: string }): string {
  return `${fn}.${stream}`;
}

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
