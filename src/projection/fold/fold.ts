import type { RecordedAppend, RequestMessage, StreamName } from '#src/core/log/event-log.ts';
import type { SourceEntry } from '#src/core/log/log-source.ts';
import { streamKey } from '#src/core/names/ids.ts';
import { TallyBook } from '#src/projection/stats/tallies.ts';
import { CLOCK_BUCKET } from '#src/projection/store/schema.ts';
import type { Value } from '#src/projection/store/sqlite.ts';
import { bytesOfFacts, bytesOfRequests, Figures } from './figures.ts';
import {
  addRival,
  advanceHead,
  createFoldedStream,
  type FactListener,
  type FoldedStream,
  foldFacts,
  isStreamSettled,
  refold,
  type StoredStream,
  settleOwner,
} from './folded-stream.ts';
import { type LogPosition, type ProjectedInvocation, tallyOfProjected } from './projected-invocation.ts';

/*
 * Folds the log, in order, into the rows of the read model. The fold performs no I/O: it collects changes until they are drained.
 * Keeps FOLD1, FOLD2 and FOLD3 (src/DESIGN.md).
 */

type ProblemKind = 'unreadable' | 'refused' | 'unknown' | 'gap';
type Problem = { factIndex: number; kind: ProblemKind; invocation: string | null; why: string };

/** The changes since the last drain. */
export type Changes = {
  appends: Value[][];
  invocations: ProjectedInvocation[];
  problems: (Problem & LogPosition)[];
  /** Invocations that were replaced by another request of the same id. */
  removed: Pick<ProjectedInvocation, 'seq' | 'tallied'>[];
  clock: Map<number, { first: number; last: number }>;
  /** The counts that are added, by name and function, and the stored bytes, by project and part. */
  figures: Value[][];
  stored: Value[][];
};

/** Reads the stored appends of a stream; `undefined` when the file holds no such stream. */
export type LoadStream = (name: StreamName) => StoredStream | undefined;

const MAX_STREAMS_IN_MEMORY = 16_384;
/** A stream has up to 64 invocations, each of which takes 640 bytes (1,460 alone in its stream). */
const MAX_INVOCATIONS_IN_MEMORY = 131_072;

/** The key is made once, because a text that is made anew is hashed anew. `held`: its invocations and rivals, which count alike. */
type KeyedStream = FoldedStream & { key: string; held: number };

/** `limit`: the streams that stay in memory at most. `maxInvocations`: the invocations and rivals of these streams. */
type FoldOptions = { load: LoadStream; limit?: number; maxInvocations?: number };

/** A class, so that an append needs no closures (docs/performance.md V6). */
export class Fold implements FactListener {
  readonly #load: LoadStream;
  readonly #limit: number;
  readonly #maxInvocations: number;
  #held = 0;
  readonly #streams = new Map<string, KeyedStream>();
  #touched = new Set<KeyedStream>();
  #changes = noChanges();
  readonly #figures = new Figures();
  #pending = 0;

  constructor({ load, limit = MAX_STREAMS_IN_MEMORY, maxInvocations = MAX_INVOCATIONS_IN_MEMORY }: FoldOptions) {
    this.#load = load;
    this.#limit = limit;
    this.#maxInvocations = maxInvocations;
  }

  /** Messages taken since the last drain. */
  get pending(): number {
    return this.#pending;
  }

  /** Streams in memory. */
  get open(): number {
    return this.#streams.size;
  }

  take({ content, sequence, at, subject, headers, body }: SourceEntry): void {
    this.#pending++;
    if (content.kind === 'hint') return;
    this.#recordTime(sequence, at);
    // An erased message leaves only its sequence and its time.
    if (content.kind === 'erased' || content.kind === 'erasure') return;
    let requestSequence = 0;
    let bytes = body.length;
    if (content.kind === 'request') {
      requestSequence = this.#takeRequest(content.message);
      bytes += bytesOfRequests(content.message.requests);
      this.#figures.store(content.message.name.function, sequence, bytes);
    } else if (content.kind === 'append') {
      requestSequence = this.#takeAppend(content.name, content.append, at);
      bytes += bytesOfFacts(content.append.facts);
      this.#figures.store(content.name.function, sequence, bytes);
    } else this.#report({ sequence, at, factIndex: 0, kind: 'unreadable', invocation: null, why: content.why });
    this.#changes.appends.push([requestSequence, sequence, at, subject, headers, body, bytes]);
  }

  /** Records that the log holds no message between a sequence and an entry. */
  takeGap(after: number, { sequence, at }: SourceEntry): void {
    const why = `the log holds no message from ${after + 1} to ${sequence - 1}`;
    this.#report({ sequence, at, factIndex: -1, kind: 'gap', invocation: null, why });
  }

  drain(): Changes {
    const drained = {
      ...this.#changes,
      invocations: this.#changes.invocations.filter(({ isDirty }) => isDirty),
      ...this.#figures.drain(),
    };
    this.#changes = noChanges();
    this.#pending = 0;
    return drained;
  }

  /** Removes settled streams from memory. Call it after the drained changes are stored. */
  release(): void {
    for (const stream of this.#touched) {
      if (isStreamSettled(stream)) this.#drop(stream);
      else if (stream.unstored.size > 0) stream.unstored = new Map();
    }
    this.#touched = new Set();
    for (const stream of this.#streams.values()) {
      if (this.#streams.size <= this.#limit && this.#held <= this.#maxInvocations) return;
      this.#drop(stream);
    }
  }

  onChange(projected: ProjectedInvocation): void {
    if (projected.isDirty) return;
    projected.isDirty = true;
    this.#changes.invocations.push(projected);
  }

  onFact(...counted: Parameters<FactListener['onFact']>): void {
    this.#figures.count(...counted);
  }

  onRefused({ position, factIndex, invocation, why }: Parameters<FactListener['onRefused']>[0]): void {
    this.#report({ sequence: position.sequence, at: position.at, factIndex, kind: 'refused', invocation, why });
  }

  #takeRequest(message: RequestMessage): number {
    const key = streamKey(message.name);
    const known = this.#find(message.name, key);
    if (known !== undefined) {
      // A second request of one id starts nothing, unless the first append names it as the owner.
      if (!known.hasAppends) this.#addRival(known, message);
      this.#touched.add(known);
      return known.requestSequence;
    }
    const stream = this.#keep(key, createFoldedStream(message));
    for (const projected of stream.invocations.values()) {
      this.#figures.accept(projected);
      this.onChange(projected);
    }
    return stream.requestSequence;
  }

  #addRival(stream: KeyedStream, message: RequestMessage): void {
    addRival(stream, message);
    stream.held++;
    this.#held++;
  }

  #takeAppend(name: StreamName, append: RecordedAppend, at: number): number {
    const stream = this.#find(name, streamKey(name));
    if (stream === undefined) {
      const why = `it is about ${name.stream}, and the log holds no request of that stream`;
      this.#report({ sequence: append.version, at, factIndex: 0, kind: 'unknown', invocation: null, why });
      return 0;
    }
    this.#touched.add(stream);
    const position = { sequence: append.version, at };
    if (!advanceHead(stream, append)) {
      const why = 'it does not follow the last accepted message of its stream, so it does not count';
      this.#report({ ...position, factIndex: 0, kind: 'refused', invocation: append.facts[0]?.invocation ?? null, why });
      return stream.requestSequence;
    }
    if (!stream.hasAppends) this.#settleOwner(stream, append, { name, position });
    foldFacts(stream, { facts: append.facts, position }, this);
    return stream.requestSequence;
  }

  #settleOwner(stream: KeyedStream, append: RecordedAppend, { name, position }: { name: StreamName; position: LogPosition }): void {
    const removed = settleOwner(stream, append, { position, load: () => this.#load(name) });
    const held = heldBy(stream);
    this.#held += held - stream.held;
    stream.held = held;
    if (removed.length > 0) this.#replaceInvocations(stream, removed);
  }

  /** Another request owns the stream, so that its invocations take the place of the first ones. */
  #replaceInvocations(stream: KeyedStream, removed: readonly ProjectedInvocation[]): void {
    for (const projected of removed) {
      this.#changes.removed.push(projected);
      this.#figures.disown(projected);
    }
    for (const projected of stream.invocations.values()) {
      this.#figures.accept(projected);
      this.onChange(projected);
    }
  }

  /** The stream from memory, or folded again from the file. */
  #find(name: StreamName, key: string): KeyedStream | undefined {
    const known = this.#streams.get(key);
    if (known !== undefined) return known;
    const loaded = this.#load(name);
    if (loaded === undefined) return undefined;
    const stream = this.#keep(key, refold(loaded));
    const book = new TallyBook();
    for (const projected of stream.invocations.values()) {
      projected.isStored = true;
      projected.tallied = tallyOfProjected(projected, book);
      // No error equals the empty text: the next change replaces the stored error, whatever it is.
      projected.storedError = '';
      // The words of a stored payload are indexed already.
      projected.payload = '';
    }
    return stream;
  }

  #keep(key: string, folded: FoldedStream): KeyedStream {
    const stream = keyedStream(key, folded);
    this.#streams.set(key, stream);
    this.#held += stream.held;
    this.#touched.add(stream);
    return stream;
  }

  #drop(stream: KeyedStream): void {
    if (this.#streams.delete(stream.key)) this.#held -= stream.held;
  }

  #report(problem: Problem & LogPosition): void {
    this.#changes.problems.push(problem);
  }

  /** Extends the first and the last time of the bucket of a sequence. */
  #recordTime(sequence: number, at: number): void {
    const { clock } = this.#changes;
    const bucket = Math.floor(sequence / CLOCK_BUCKET);
    const times = clock.get(bucket);
    if (times === undefined) clock.set(bucket, { first: at, last: at });
    else {
      if (at < times.first) times.first = at;
      if (at > times.last) times.last = at;
    }
  }
}

/** The fields are named, because V8 11 copies the fields of an object slowly. */
function keyedStream(key: string, { requestSequence, hasAppends, head, invocations, rivals, unstored }: FoldedStream): KeyedStream {
  return { key, held: heldBy({ invocations, rivals }), requestSequence, hasAppends, head, invocations, rivals, unstored };
}

function heldBy({ invocations, rivals }: Pick<FoldedStream, 'invocations' | 'rivals'>): number {
  return invocations.size + rivals.size;
}

function noChanges(): Changes {
  return { appends: [], invocations: [], problems: [], removed: [], clock: new Map(), figures: [], stored: [] };
}
