import { type Fact, isOutcome } from '#machines/facts.ts';
import { type Invocation, invocationFolder, isBatch } from '#machines/invocation.ts';
import { headAfter, shortLinkOf } from '#src/core/log/chain.ts';
import type { FullLogEntry, StreamName, WakeTimes } from '#src/core/log/event-log.ts';
import { streamKey } from '#src/core/names/ids.ts';
import { isInvocationSettled, wakeTimesOf } from '#src/core/stream/stream.ts';
import { type Balance, countStates, describeImbalance } from './balance.ts';
import { createErasureMarks } from './erasure-marks.ts';
import { createFindings, type Finding, type FindingKind } from './findings.ts';
import { hasWayOn, noWayOnInWords } from './no-way-on.ts';
import { type Refusal, whyRefused } from './refusals.ts';
import { createSettledStreams, headKey, type StreamRecord } from './settled-streams.ts';
import { Trace } from './trace.ts';
import { UnrecordedRedrives } from './unrecorded-redrives.ts';
import { createVerifiedStream, expectedLink, isComplete, isEnd, setOwner, type VerifiedStream } from './verified-stream.ts';

export type Verification = {
  messages: number;
  balance: Balance;
  /** Requests whose id was in the log before. They start nothing. */
  repeated: number;
  /** Appends about requests before the first message that was read. */
  skipped: number;
  /** Messages that were erased on request. */
  erased: number;
  /** The first thousand findings. */
  findings: Finding[];
  /** The number of all findings. */
  found: number;
};

export type VerifierOptions = {
  /** The first sequence that is read. Appends about earlier requests are skipped. */
  from?: number;
  /** The whole log is read, so every missing sequence is a gap. */
  isWhole?: boolean;
  /** Each fact is also read by the specification, which shares no code with the machine. */
  isStrict?: boolean;
};

type RequestEntry = Extract<FullLogEntry, { kind: 'request' }>;
type AppendEntry = Extract<FullLogEntry, { kind: 'append' }>;

/**
 * Verifies a log independently of the code that wrote it: folds every stream with the present machine, message by message.
 *
 * Invariant: memory grows with the open streams, and by at most 60 bytes for each complete stream. A stream with a dead delivery
 * stays in memory, because a redrive may append to it.
 */
export class Verifier {
  readonly #from: number;
  readonly #isWhole: boolean;
  readonly #isStrict: boolean;
  readonly #open = new Map<string, VerifiedStream>();
  readonly #complete = createSettledStreams();
  readonly #unreadable = new Set<number>();
  /** The versions of streams that have appends and no request (LINK5). A request that comes later begins with this version. */
  readonly #ownerless = new Map<string, number>();
  readonly #marks = createErasureMarks();
  readonly #findings = createFindings();
  readonly #redrives = new UnrecordedRedrives();
  readonly #counts = { messages: 0, accepted: 0, settled: 0, succeeded: 0, failed: 0, repeated: 0, skipped: 0 };
  #next: number;

  constructor({ from = 1, isWhole = false, isStrict = false }: VerifierOptions = {}) {
    this.#from = from;
    this.#isWhole = isWhole;
    this.#isStrict = isStrict;
    this.#next = from;
  }

  /** Adds a finding of the caller. */
  report(kind: 'damaged-segment' | 'gap' | 'lost-messages' | 'other-log', sequence: number, what: string): void {
    this.#findings.report(kind, sequence, { what });
  }

  read(entry: FullLogEntry): void {
    this.#counts.messages++;
    this.#marks.read(entry);
    this.#redrives.read(entry);
    this.readUpTo(entry.sequence - 1);
    this.#next = entry.sequence + 1;
    if (entry.kind === 'request') this.#readRequest(entry);
    else if (entry.kind === 'append') this.#readAppend(entry);
    else if (entry.kind === 'unreadable') {
      this.#unreadable.add(entry.sequence);
      this.#findings.report('unreadable', entry.sequence, { what: entry.why });
    }
  }

  /** Everything up to a sequence was read. A server may claim an end of the log whose messages it cannot read (A1). */
  readUpTo(sequence: number): void {
    if (this.#isWhole && sequence >= this.#next) this.report('gap', this.#next, `no message from ${this.#next} to ${sequence}`);
    this.#next = Math.max(this.#next, sequence + 1);
  }

  finish(): Verification {
    const { messages, repeated, skipped, accepted, settled, succeeded, failed } = this.#counts;
    const inMemory = countStates(this.#open.values());
    const balance: Balance = { accepted, settled: settled + inMemory.settled, open: inMemory.open, succeeded, failed };
    const imbalance = describeImbalance(balance);
    if (imbalance !== undefined) this.#findings.report('balance', 0, { what: imbalance });
    for (const stream of this.#open.values()) this.#findNoWayOn(stream);
    const isKnown = (name: StreamName): boolean => this.#open.has(streamKey(name)) || this.#complete.get(name) !== undefined;
    for (const { sequence, ...found } of this.#redrives.late(isKnown)) this.#findings.report('unrecorded-redrive', sequence, found);
    for (const { sequence, what } of this.#marks.problems()) this.#findings.report('unexplained-erasure', sequence, { what });
    const { list, count } = this.#findings;
    return { messages, balance, repeated, skipped, erased: this.#marks.messages, findings: list, found: count };
  }

  #findNoWayOn({ name, invocations, version, owner, requests }: VerifiedStream): void {
    const sequence = version || (owner ?? requests[0]?.sequence ?? 0);
    for (const [id, invocation] of invocations) {
      if (isInvocationSettled(invocation) || hasWayOn(invocation)) continue;
      this.#findings.report('no-way-on', sequence, { what: noWayOnInWords(invocation), function: name.function, invocation: id });
    }
  }

  #readRequest({ message: { name, sequence, hash, requests } }: RequestEntry): void {
    const stream = this.#open.get(streamKey(name));
    const facts = requests.map(({ fact }) => fact);
    if (stream === undefined && this.#complete.get(name) === undefined) {
      this.#counts.accepted += facts.length;
      const opened = createVerifiedStream(name, { sequence, hash, facts });
      opened.version = this.#ownerless.get(streamKey(name)) ?? 0;
      this.#ownerless.delete(streamKey(name));
      this.#open.set(streamKey(name), opened);
      return;
    }
    this.#counts.repeated++;
    // The first append may name this request as the owner of the stream.
    if (stream !== undefined && stream.owner === undefined) stream.requests.push({ sequence, hash, facts });
  }

  #readAppend(entry: AppendEntry): void {
    const { name, append, sequence } = entry;
    if (append.request > 0 && append.request < this.#from) {
      this.#counts.skipped++;
      return;
    }
    const stream = this.#open.get(streamKey(name));
    if (stream !== undefined) return this.#readOpen(entry, stream);
    const complete = this.#complete.get(name);
    if (complete !== undefined) return this.#readComplete(entry, complete);
    this.#ownerless.set(streamKey(name), sequence);
    const what = `it is about request ${append.request}, but the log does not hold that request`;
    this.#findings.report('unknown-request', sequence, { what, ...subjectOf(entry) });
  }

  #readOpen(entry: AppendEntry, stream: VerifiedStream): void {
    const { append, sequence, name } = entry;
    const findingsBefore = this.#findings.count;
    this.#checkPrevious(entry, stream.version);
    stream.version = sequence;
    const expected = expectedLink(stream, append.request);
    if (!this.#followsLink(entry, { isLinked: stream.isLinked, isExpected: append.link === expected })) return;
    if (!this.#settleOwner(entry, stream)) return;
    for (const fact of append.facts) this.#fold(fact, sequence, stream);
    stream.head = headAfter(stream.head, append) ?? stream.head;
    stream.isLinked ||= append.link !== undefined;
    // After another finding, the headers would only repeat it.
    if (findingsBefore === this.#findings.count) this.#checkWakeTimes(entry, wakeTimesOf(stream.invocations));
    if (!isComplete(stream)) return;
    this.#counts.settled += stream.invocations.size;
    this.#open.delete(streamKey(name));
    this.#complete.set(name, sequence, stream.isLinked ? headKey(stream.head) : 0);
  }

  /** Returns whether the append counts (LINK2, LINK3). */
  #followsLink(entry: AppendEntry, { isLinked, isExpected }: { isLinked: boolean; isExpected: boolean }): boolean {
    const { append, link: header, sequence } = entry;
    const report = (kind: FindingKind, what: string): void => this.#findings.report(kind, sequence, { what, ...subjectOf(entry) });
    const present = shortLinkOf(append);
    if (header !== undefined && (header.own !== present?.own || header.previous !== present.previous)) {
      report('rewritten', 'its headers hold the hash of another content');
    }
    if (append.link === undefined) {
      if (isLinked) report('missing-link', 'it names no message that it follows, although an earlier append of its stream does');
      return true;
    }
    if (!isExpected) report('wrong-link', `it follows the message with the hash ${append.link}, which is not the last one of its stream`);
    return isExpected;
  }

  #checkPrevious(entry: AppendEntry, version: number): void {
    const { append, sequence } = entry;
    // The previous append may be a message that could not be read.
    if (append.previous === version || (append.previous > version && this.#unreadable.has(append.previous))) return;
    const what = `it follows ${append.previous}, but the previous append is ${version}`;
    this.#findings.report('broken-chain', sequence, { what, ...subjectOf(entry) });
  }

  /** The stream belongs to the request that its first append names. Returns whether the append counts (LINK5). */
  #settleOwner(entry: AppendEntry, stream: VerifiedStream): boolean {
    const { append, sequence } = entry;
    if (stream.owner !== undefined) {
      if (append.request === stream.owner) return true;
      const what = `it is about request ${append.request}, but the stream belongs to request ${stream.owner}`;
      this.#findings.report('duplicate-request', sequence, { what, ...subjectOf(entry) });
      return true;
    }
    if (setOwner(stream, append.request)) return true;
    const what = `it is about request ${append.request}, which is not a request of this stream`;
    this.#findings.report('unknown-request', sequence, { what, ...subjectOf(entry) });
    return false;
  }

  #fold(fact: Fact, sequence: number, stream: VerifiedStream): void {
    const subject = { invocation: fact.invocation, function: stream.name.function };
    const invocation = stream.invocations.get(fact.invocation);
    if (invocation === undefined) {
      return this.#findings.report('foreign-fact', sequence, { what: `${fact.type} of an invocation of another stream`, ...subject });
    }
    const refused = this.#isStrict ? followed(stream, invocation, fact) : undefined;
    const step = invocationFolder.step(invocation, fact);
    if (step !== undefined && refused !== undefined)
      this.#findings.report('illegal-transition', sequence, { what: `it leaves the specification: ${refused}`, ...subject });
    if (step === undefined) {
      const { kind, what } = whyRefused(invocation, fact);
      return this.#findings.report(kind, sequence, { what, ...subject });
    }
    stream.invocations.set(fact.invocation, step.snapshot);
    if (isOutcome(fact)) this.#counts[fact.type]++;
  }

  #checkWakeTimes({ sequence, name, wakeTimes }: AppendEntry, needed: WakeTimes): void {
    const refusal = whyWrongWakeTimes(wakeTimes, needed);
    if (refusal === undefined) return;
    this.#findings.report(refusal.kind, sequence, { what: refusal.what, function: name.function, invocation: name.stream });
  }

  /** To a complete stream, only `redriven` may be appended. */
  #readComplete(entry: AppendEntry, { version, head }: StreamRecord): void {
    const { append, sequence, name, wakeTimes } = entry;
    this.#checkPrevious(entry, version);
    const isExpected = head === 0 || headKey(append.link ?? '') === head;
    const counts = this.#followsLink(entry, { isLinked: head !== 0, isExpected });
    // The head after an append without a link is unknown, because the head before it is no longer in memory.
    const headAfterAppend = append.link === undefined ? 0 : headKey(append.hash);
    this.#complete.set(name, sequence, counts ? headAfterAppend : head);
    if (!counts) return;
    for (const { type, invocation } of append.facts) {
      if (type === 'redriven') continue;
      const kind = isEnd(type) ? 'two-outcomes' : 'after-the-end';
      this.#findings.report(kind, sequence, { what: `${type} after it was settled`, invocation, function: name.function });
    }
    if (Object.keys(wakeTimes).length > 0) this.#checkWakeTimes(entry, {});
  }
}

/** Follows a fact in the specification. Returns why the specification does not accept it. */
function followed({ traces }: VerifiedStream, invocation: Invocation, fact: Fact): string | undefined {
  const id = fact.invocation;
  const trace = traces.get(id) ?? new Trace({ id, isBatch: isBatch(invocation), dueAt: invocation.context.dueAt ?? 0 });
  traces.set(id, trace);
  return trace.read(fact);
}

function subjectOf({ name, append }: AppendEntry): { function: string; invocation: string } {
  return { function: name.function, invocation: append.facts[0]?.invocation ?? name.stream };
}

/** The headers of the wake times, by their names on the wire. */
const headerOf: Record<keyof WakeTimes, string> = {
  dueAt: 'Due-At',
  endsAt: 'Ends-At',
  deliverAt: 'Deliver-At',
  inProgressSince: 'Held-Since',
  waitsFor: 'Waits-For',
};

/** Finds the defect of the headers of an append, whose facts need the wake times `needed`. */
function whyWrongWakeTimes(found: WakeTimes, needed: WakeTimes): Refusal | undefined {
  const [has, needs] = [inWords(found), inWords(needed)];
  if (Object.keys(needed).length > 0 && Object.keys(found).length === 0) {
    return { kind: 'missing-wake-time', what: `its headers hold no time for the next inspection, but its facts need ${needs}` };
  }
  return has === needs ? undefined : { kind: 'wrong-wake-time', what: `its headers say ${has}, but its facts say ${needs}` };
}

function inWords(wakeTimes: WakeTimes): string {
  const words = (Object.keys(headerOf) as (keyof WakeTimes)[]).flatMap((key) =>
    wakeTimes[key] === undefined ? [] : [`${headerOf[key]} ${wakeTimes[key]}`],
  );
  return words.length === 0 ? 'nothing' : words.join(', ');
}
