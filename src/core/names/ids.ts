import { hash } from 'node:crypto';
import { isRequestId, type RequestId, type StreamId } from './names.ts';

/**
 * Request ids. Those that Sequent makes are UUIDs of version 8: 48 bits of time in milliseconds, 58 bits that make the
 * stream unique, and in the last 16 bits the place of the request in its batch. So the stream of an id is the id with its
 * last 16 bits cleared. Any other id (one that the caller brings) is its own stream, and thereby an idempotency key.
 */

/** The most requests that one message may carry. */
export const MAX_BATCH = 64;

const ownId = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Nearly all other ids differ in the digit of the version, which is asked first: the pattern costs more. */
function isOwn(id: string): boolean {
  return id[14] === '8' && ownId.test(id);
}

export function streamOf(id: RequestId): StreamId {
  return (isOwn(id) ? `${id.slice(0, 32)}0000` : id) as string as StreamId;
}

/** Whether the text is the stream of a batch, as {@link createStreamId} makes them. */
export function isStreamId(text: string): text is StreamId {
  return isOwn(text) && text.endsWith('0000');
}

/** The id of the request at a place (0 to 63) of a batch. */
export function idAt(stream: StreamId, place: number): RequestId {
  return (stream.slice(0, 32) + place.toString(16).padStart(4, '0')) as RequestId;
}

/**
 * Whether a caller may bring this id along. An id in Sequent's own form that points into a batch would land in the
 * stream of another request.
 */
export function canBeBrought(id: string): id is RequestId {
  return isRequestId(id) && (!isOwn(id) || isStreamId(id));
}

/** Makes the stream id of new requests from the time and 8 random bytes. */
export function createStreamId(now: number, random: Uint8Array): StreamId {
  const hex = Buffer.from(random).toString('hex');
  // The top bit of the unique part is set, and clear in the ids derived from a sequence: the two can never meet.
  const unique = ((Number.parseInt(hex.slice(0, 3), 16) | 0x800) >>> 0).toString(16) + hex.slice(3, 15);
  return format(now, unique);
}

/** The id of a request that was published without one: derived from its place in the log, the same for every reader. */
export function idFromSequence(at: number, sequence: number): StreamId {
  return format(at, sequence.toString(16).padStart(15, '0'));
}

/** How a cause begins that says when it was: with an id whose first 48 bits are a time. */
const timed = /^[0-9a-f]{8}-[0-9a-f]{4}-[78]/;

/**
 * The id of a request that follows from something: the same cause gives the same id, so asking twice starts nothing twice.
 *
 * What follows from an id of Sequent's own keeps its time (a UUID of version 7), anything else has none (version 5): never in the
 * form of the ids that Sequent makes for new requests. Ids in the order of time are cheap for JetStream to find in its index of
 * subjects, wherever it is large; random ones are not.
 */
export function derivedId(cause: string): RequestId {
  const hex = hash('sha1', cause);
  const variant = ((Number.parseInt(hex[16] ?? '0', 16) & 0x3) | 0x8).toString(16);
  const start = timed.test(cause) ? `${cause.slice(0, 13)}-7` : `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5`;
  return `${start}${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}` as RequestId;
}

/** `unique` has 15 hexadecimal digits, of which 58 bits are kept. */
function format(at: number, unique: string): StreamId {
  const time = Math.max(0, Math.floor(at)).toString(16).padStart(12, '0').slice(-12);
  const variant = (0x8 | (Number.parseInt(unique[3] ?? '0', 16) & 0x3)).toString(16);
  const groups = [
    time.slice(0, 8),
    time.slice(8),
    `8${unique.slice(0, 3)}`,
    `${variant}${unique.slice(4, 7)}`,
    `${unique.slice(7, 15)}0000`,
  ];
  // Joined, and no template: that would keep its dozen parts as long as the id is kept.
  return groups.join('-') as StreamId;
}
