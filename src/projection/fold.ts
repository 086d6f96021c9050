import type { Fact } from '#machines/facts.ts';
import type { FullLogEntry, RecordedAppend, RequestMessage, StreamName } from '#src/core/log/event-log.ts';
import type { SourceEntry } from '#src/core/log/log-source.ts';
import { streamKey } from '#src/core/log/stream-key.ts';
import { isFunctionName, NO_FUNCTION } from '#src/core/names/names.ts';
import { isSettled } from '#src/core/stream/stream.ts';
import { createProjectedInvocation, foldInto, type LogPosition, type ProjectedInvocation } from './projected-invocation.ts';
import { CLOCK_BUCKET } from './schema.ts';
import type { Value } from './sqlite.ts';

/*
 * Folds the log, in order, into what the read model stores. Performs nothing: what changed is collected until it is drained.
 * Keeps FOLD1, FOLD2 and FOLD3 (src/DESIGN.md).
 */

type ProblemKind = 'unreadable' | 'refused' | 'unknown' | 'gap';
type ProblemRow = { sequence: number; place: number; at: number; kind: ProblemKind; invocation: string | null; why: string };

/** What is to be stored, since it was last asked for. */
export type Changes = {
  appends: Value[][];
  members: ProjectedInvocation[];
  problems: ProblemRow[];
  /** Invocations that another request of the same id took the place of. */
  removed: number[];
  clock: ReadonlyMap<number, { first: number; last: number }>;
};

type NamedStream = FoldedStream & { name: StreamName };

type FoldedStream = {
  birth: number;
  hasAppends: boolean;
  members: Map<string, ProjectedInvocation>;
  /** Later requests of the same id, of which one may prove to be the owner. */
  rivals: RequestMessage[];
};

/** The stored appends of a stream, oldest first; `undefined` when there is no such stream. */
export type LoadStream = (name: StreamName) => { birth: number; entries: FullLogEntry[] } | undefined;

export const PLACES = 64;
const LIMIT = 16_384;

export interface Fold {
  take(entry: SourceEntry): void;
  /** Says that the log holds no message between two sequences. */
  takeGap(after: number, before: SourceEntry): void;
  /** Messages taken since the last drain. */
  readonly pending: number;
  drain(): Changes;
  /** To be called once what was drained is stored: lets go of what is settled. */
  release(): void;
  readonly open: number;
}

export function createFold({ load, limit = LIMIT }: { load: LoadStream; limit?: number }): Fold {
  const streams = new Map<string, NamedStream>();
  let touched = new Set<NamedStream>();
  let changes = noChanges();
  let pending = 0;

  function find(name: StreamName): NamedStream | undefined {
    const key = streamKey(name);
    const known = streams.get(key);
    if (known !== undefined) return known;
    const loaded = load(name);
    if (loaded === undefined) return undefined;
    const stream = { name, ...refold(loaded) };
    for (const member of stream.members.values()) {
      member.isStored = true;
      // Whatever is stored is replaced when it changes.
      member.storedError = '';
    }
    streams.set(key, stream);
    touched.add(stream);
    return stream;
  }

  function takeRequest(message: RequestMessage): number {
    const known = find(message.name);
    if (known !== undefined) {
      // A second request of one id starts nothing, unless the log says that the stream is its own.
      if (!known.hasAppends) known.rivals.push(message);
      touched.add(known);
      return known.birth;
    }
    const stream = newStream(message);
    streams.set(streamKey(message.name), stream);
    touched.add(stream);
    for (const member of stream.members.values()) changed(member);
    return stream.birth;
  }

  function takeAppend(name: StreamName, append: RecordedAppend, at: number): number {
    const stream = find(name);
    if (stream === undefined) {
      report({
        sequence: append.version,
        at,
        kind: 'unknown',
        invocation: null,
        why: `it is about ${name.stream}, of which the log holds no request`,
      });
      return 0;
    }
    touched.add(stream);
    const place = { sequence: append.version, at };
    const removed = settleOwner(stream, append, place);
    for (const member of removed) changes.removed.push(member.seq);
    if (removed.length > 0) for (const member of stream.members.values()) changed(member);
    applyFacts(stream, append.facts, {
      position: place,
      onChange: changed,
      onProblem: (nth, invocation, why) => report({ sequence: append.version, at, kind: 'refused', invocation, why, place: nth }),
    });
    return stream.birth;
  }

  function changed(member: ProjectedInvocation): void {
    if (member.isDirty) return;
    member.isDirty = true;
    changes.members.push(member);
  }

  function report({ place = 0, ...problem }: Omit<ProblemRow, 'place'> & { place?: number }): void {
    changes.problems.push({ place, ...problem });
  }

  function note(sequence: number, at: number): void {
    const bucket = Math.floor(sequence / CLOCK_BUCKET);
    const seen = (changes.clock as Map<number, { first: number; last: number }>).get(bucket);
    if (seen === undefined) (changes.clock as Map<number, { first: number; last: number }>).set(bucket, { first: at, last: at });
    else {
      if (at < seen.first) seen.first = at;
      if (at > seen.last) seen.last = at;
    }
  }

  return {
    get pending() {
      return pending;
    },
    get open() {
      return streams.size;
    },
    take({ content, sequence, at, subject, headers, body }) {
      pending++;
      if (content.kind === 'hint') return;
      note(sequence, at);
      let birth = 0;
      // What is erased has left its place and its time.
      if (content.kind === 'erased' || content.kind === 'erasure') return;
      if (content.kind === 'request') birth = takeRequest(content.message);
      else if (content.kind === 'append') birth = takeAppend(content.name, content.append, at);
      else report({ sequence, at, kind: 'unreadable', invocation: null, why: content.why });
      changes.appends.push([birth, sequence, at, subject, headers, body]);
    },
    takeGap(after, { sequence, at }) {
      const why = `the log holds no message from ${after + 1} to ${sequence - 1}`;
      report({ sequence, at, kind: 'gap', invocation: null, why, place: -1 });
    },
    drain() {
      const drained = { ...changes, members: changes.members.filter((member) => member.isDirty) };
      changes = noChanges();
      pending = 0;
      return drained;
    },
    release() {
      for (const stream of touched) if (isOver(stream)) streams.delete(streamKey(stream.name));
      touched = new Set();
      if (streams.size <= limit) return;
      let surplus = streams.size - limit;
      for (const key of streams.keys()) {
        if (surplus-- <= 0) return;
        streams.delete(key);
      }
    },
  };
}

function noChanges(): Changes {
  return { appends: [], members: [], problems: [], removed: [], clock: new Map() };
}

function newStream(message: RequestMessage): NamedStream {
  const members = membersOf(message, message.sequence, message);
  return { name: message.name, birth: message.sequence, hasAppends: false, members, rivals: [] };
}

function membersOf(
  { requests, sequence }: RequestMessage,
  birth: number,
  { sequence: since, at }: LogPosition,
): Map<string, ProjectedInvocation> {
  const members = new Map<string, ProjectedInvocation>();
  const last = { sequence: since, at };
  requests.forEach(({ fact, payload }, place) => {
    members.set(
      fact.invocation,
      createProjectedInvocation(fact, { seq: sequence * PLACES + place, requestSequence: birth, payload, last }),
    );
  });
  return members;
}

/** The first append says which of several requests of one id the stream belongs to. Returns who lost their place. */
function settleOwner(stream: FoldedStream, { request }: RecordedAppend, position: LogPosition): ProjectedInvocation[] {
  if (stream.hasAppends) return [];
  // One that nobody could read names no request.
  if (request <= 0) return [];
  stream.hasAppends = true;
  const owner = stream.rivals.find(({ sequence }) => sequence === request);
  stream.rivals = [];
  if (owner === undefined) return [];
  const removed = [...stream.members.values()];
  stream.members = membersOf(owner, stream.birth, position);
  for (const member of removed) member.isDirty = false;
  return removed;
}

type Hearing = { onChange: (member: ProjectedInvocation) => void; onProblem: (nth: number, invocation: string, why: string) => void };

function applyFacts(
  stream: FoldedStream,
  facts: readonly Fact[],
  { position, onChange, onProblem }: Hearing & { position: LogPosition },
): void {
  facts.forEach((fact, nth) => {
    const member = stream.members.get(fact.invocation);
    if (member === undefined) onProblem(nth, fact.invocation, `${fact.type} is about an invocation that is not of this stream`);
    else if (foldInto(member, fact, position)) onChange(member);
    else onProblem(nth, fact.invocation, `the machine refuses ${fact.type} in ${member.invocation.value}`);
  });
}

const unheard: Hearing = { onChange() {}, onProblem() {} };

/** Folds a stream again from what is stored: the same as if it had stayed in memory (FOLD1). */
export function refold({ birth, entries }: { birth: number; entries: readonly FullLogEntry[] }): FoldedStream {
  const stream: FoldedStream = { birth, hasAppends: false, members: new Map(), rivals: [] };
  for (const entry of entries) {
    if (entry.kind === 'request' && stream.members.size === 0) stream.members = membersOf(entry.message, birth, entry);
    else if (entry.kind === 'request' && !stream.hasAppends) stream.rivals.push(entry.message);
    else if (entry.kind === 'append') {
      const place = { sequence: entry.sequence, at: entry.at };
      settleOwner(stream, entry.append, place);
      applyFacts(stream, entry.append.facts, { position: place, ...unheard });
    }
  }
  return stream;
}

function isOver({ members }: FoldedStream): boolean {
  for (const { invocation } of members.values()) if (!isSettled(invocation)) return false;
  return true;
}

/** The name of the stream of an invocation, told by its function as it was asked for. */
export function streamFunctionOf(token: string): StreamName['function'] {
  return isFunctionName(token) ? token : NO_FUNCTION;
}
