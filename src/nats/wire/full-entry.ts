import { NewerFactsError } from '#src/core/errors.ts';
import { parseJson } from '#src/core/json/json.ts';
import type { ShortLink } from '#src/core/log/chain.ts';
import { erasureSchema } from '#src/core/log/erasure.ts';
import type { FullLogEntry, RecordedAppend, StreamName, WakeTimes } from '#src/core/log/event-log.ts';
import { decodeRequest, type RawRequest } from '#src/core/log/requests/request-messages.ts';
import { decodeAppend, decodeLink, decodeWakeTimes } from './codec.ts';
import type { StoredMessage } from './stored-messages.ts';
import { parseSubject } from './topology.ts';

/** A message with its payload as bytes, or as a text that the caller decoded from UTF-8. */
type ReadMessage = Readonly<Omit<StoredMessage, 'data'> & { data: Uint8Array | string }>;

/** Decodes a message of the log with its payload. Never throws: an unreadable message becomes an entry of the kind `unreadable`. */
export function fullEntryOf(stored: ReadMessage): FullLogEntry {
  const { subject, data, sequence, at } = stored;
  const parts = parseSubject(subject);
  switch (parts.kind) {
    case 'invoke':
    case 'derived':
      return { kind: 'request', sequence, at, message: decodeRequest(parts, requestIn(stored, parts.kind === 'derived')) };
    case 'invocation':
      return appendEntryOf(stored, parts.name);
    case 'erase': {
      const erasure = erasureSchema.safeParse(parseJson(typeof data === 'string' ? data : Buffer.from(data).toString()));
      if (!erasure.success) return { kind: 'unreadable', sequence, at, why: `${subject} holds no erasure that this version can read` };
      return { kind: 'erasure', sequence, at, erasure: erasure.data };
    }
    default:
      return { kind: 'hint', sequence, at };
  }
}

function requestIn({ data, headers, sequence, at }: ReadMessage, isOwn: boolean): RawRequest {
  return { data, headers, sequence, at, isOwn, ignoresPayload: true };
}

function appendEntryOf(stored: ReadMessage, name: StreamName): FullLogEntry {
  const { subject, data, sequence, at } = stored;
  try {
    const append = decodeAppend(data, sequence);
    if (append !== undefined) return new AppendEntry(stored, name, append);
    return { kind: 'unreadable', sequence, at, why: `${subject} holds no append that this version can read` };
  } catch (error) {
    if (error instanceof NewerFactsError) return { kind: 'unreadable', sequence, at, why: error.message };
    throw error;
  }
}

/** An append with its payload. The headers are parsed only when a value of them is read. */
class AppendEntry {
  readonly kind = 'append';
  readonly sequence: number;
  readonly at: number;
  readonly name: StreamName;
  readonly append: RecordedAppend;
  readonly #stored: ReadMessage;
  constructor(stored: ReadMessage, name: StreamName, append: RecordedAppend) {
    this.sequence = stored.sequence;
    this.at = stored.at;
    this.name = name;
    this.append = append;
    this.#stored = stored;
  }
  get link(): ShortLink | undefined {
    return decodeLink(this.#stored.headers);
  }
  get wakeTimes(): WakeTimes {
    return decodeWakeTimes(this.#stored.headers);
  }
}
