import type { Destination, Fact } from '#machines/facts.ts';
import type { Invocation, InvocationEffect } from '#machines/invocation.ts';
import { LogBehindError } from '#src/core/errors.ts';
import type { Append, EventLog, StreamVersion } from '#src/core/log/event-log.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import { catchUp, foldFacts, type StreamState, wakeTimesOf } from './stream.ts';

/**
 * The one who writes to a stream, as far as this process is concerned.
 *
 * Invariant (E3): at most one append is in flight per writer, and it expects the version that the writer folded. Facts
 * proposed meanwhile go together into the next append: group commit without a timer, of size one when idle. After a
 * conflict the writer folds what is new and asks the machine again about every proposal; those now refused are dropped,
 * the rest is appended. An append holds what fits one message; what does not goes into the next. A proposal is therefore appended exactly once, or refused, or the writer is broken and its
 * process must not claim anything.
 */
export interface StreamWriter {
  /** The stream as this writer knows it: what is durable, and nothing else. */
  readonly state: StreamState;
  /**
   * Proposes facts of one invocation, to be appended as a whole. Resolves, once they are durable, to the effects that they
   * ask for; or to `undefined` when the machine refuses them, and `state` is then newer than the proposal.
   *
   * Rejects when the log cannot tell (see `EventLog.append`), and with `LogBehindError` when the log does not show what it
   * says is newer; every later proposal rejects too.
   */
  propose(id: string, facts: readonly Fact[]): Promise<readonly InvocationEffect[] | undefined>;
  /** Learns what is new in the stream: from the log, or from somebody who knows it. Rejects when the log cannot tell. */
  refresh(known?: StreamState): Promise<void>;
}

type Proposal = {
  id: string;
  facts: readonly Fact[];
  resolve: (effects: readonly InvocationEffect[] | undefined) => void;
  reject: (reason: unknown) => void;
};

type Kept = { proposal: Proposal; effects: readonly InvocationEffect[] };

type Round = {
  next: ReadonlyMap<string, Invocation>;
  kept: readonly Kept[];
  facts: readonly Fact[];
  /** Proposals that did not fit. */
  later: readonly Proposal[];
};

export type StreamWriterOptions = { log: EventLog; state: StreamState; by: string; appendId: () => string; clock: Clock };

export function createStreamWriter(options: StreamWriterOptions): StreamWriter {
  return new Writer(options);
}

const soon = Promise.resolve();

/** The pauses between two looks for the append that was faster: doubled, 6.35 s in all. */
const FIRST_PAUSE_IN_MS = 50;
const LAST_PAUSE_IN_MS = 3_200;

/**
 * A class, since one is made for every stream: V8 gives each object literal with a getter a hidden class of its own, which keeps all that the
 * getter sees from the small collections of garbage. Callbacks, since what an async function keeps while it waits for the log
 * was a tenth of what a busy worker has in hand.
 */
class Writer implements StreamWriter {
  readonly #log: EventLog;
  readonly #by: string;
  readonly #appendId: () => string;
  readonly #clock: Clock;
  #state: StreamState;
  #waiting: readonly Proposal[] = [];
  /** What the append in flight is about. */
  #open: readonly Proposal[] = [];
  #isWriting = false;
  #broken: { reason: unknown } | undefined;
  #reading: Promise<unknown> | undefined;
  #next: Promise<unknown> | undefined;

  constructor({ log, state, by, appendId, clock }: StreamWriterOptions) {
    this.#log = log;
    this.#state = state;
    this.#by = by;
    this.#appendId = appendId;
    this.#clock = clock;
  }

  get state(): StreamState {
    return this.#state;
  }

  propose(id: string, facts: readonly Fact[]): Promise<readonly InvocationEffect[] | undefined> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken.reason);
    return new Promise((resolve, reject) => {
      this.#waiting = [...this.#waiting, { id, facts, resolve, reject }];
      if (this.#isWriting) return;
      this.#isWriting = true;
      this.#write();
    });
  }

  async refresh(known?: StreamState): Promise<void> {
    if (known === undefined) await this.#readNews();
    else this.#learn(known);
  }

  /** One append after the other, until nothing waits. What is proposed in the same turn shares one. */
  #write(): void {
    soon
      .then(() => this.#appendWaiting())
      .then(
        () => {
          this.#isWriting = this.#waiting.length > 0;
          if (this.#isWriting) this.#write();
        },
        (reason) => this.#break(reason),
      );
  }

  #appendWaiting(): Promise<void> | undefined {
    const base = this.#state;
    this.#open = this.#waiting;
    this.#waiting = [];
    const round = judge(base, this.#open, this.#log.maxAppendBytes);
    const { next, kept, facts } = round;
    if (kept.length === 0) return undefined;
    const append: Append = { id: this.#appendId(), previous: base.version, request: base.request.sequence, by: this.#by, facts };
    return this.#log
      .append(base.name, append, wakeTimesOf(next.values()))
      .then((version) => (version === undefined ? this.#askAgain(base, round) : this.#record(base, round, version)));
  }

  #record(base: StreamState, { next, kept, facts, later }: Round, version: StreamVersion): void {
    this.#learn({ ...base, version, invocations: next, facts: [...base.facts, ...facts] });
    for (const { proposal, effects } of kept) proposal.resolve(effects);
    if (later.length > 0) this.#waiting = [...later, ...this.#waiting];
  }

  /**
   * Another writer was first. Its append may not be readable yet, since the leader changed or what answers is behind: so the
   * stream is read again for a while, and then given up.
   */
  async #askAgain(base: StreamState, { kept, later }: Round): Promise<void> {
    this.#waiting = [...kept.map(({ proposal }) => proposal), ...later, ...this.#waiting];
    let waitedInMs = 0;
    for (let pauseInMs = FIRST_PAUSE_IN_MS; !(await this.#isNewer(base)); pauseInMs *= 2) {
      if (pauseInMs > LAST_PAUSE_IN_MS) throw new LogBehindError({ stream: base.name.stream, version: base.version, waitedInMs });
      await this.#clock.sleep(pauseInMs);
      waitedInMs += pauseInMs;
    }
  }

  /** Whether more than the base is known: from the log, or from a refresh in the meantime. */
  async #isNewer(base: StreamState): Promise<boolean> {
    return this.#state.version > base.version || (await this.#read(base));
  }

  #break(reason: unknown): void {
    this.#broken = { reason };
    for (const proposal of [...this.#open, ...this.#waiting]) proposal.reject(reason);
    this.#waiting = [];
    this.#isWriting = false;
  }

  /** What is newer contains what is older: a stream has one history. */
  #learn(known: StreamState): void {
    if (known.version > this.#state.version) this.#state = known;
  }

  /** Whoever asks while it is being read waits for the next reading, all of them for the same one. */
  #readNews(): Promise<unknown> {
    if (this.#reading === undefined) {
      this.#reading = this.#read().finally(() => {
        this.#reading = undefined;
      });
      return this.#reading;
    }
    const readNext = (): Promise<unknown> => {
      this.#next = undefined;
      return this.#readNews();
    };
    // A reading that failed says nothing about the next one.
    this.#next ??= this.#reading.then(readNext, readNext);
    return this.#next;
  }

  /** Learns what was appended since; false when there is nothing. */
  async #read(base = this.#state): Promise<boolean> {
    const news = await this.#log.read(base.name, base.version);
    if (news.length > 0) this.#learn(await catchUp(this.#log, base, news));
    return news.length > 0;
  }
}

/** Asks the machine about each proposal in turn; resolves those that it refuses. */
function judge(state: StreamState, proposals: readonly Proposal[], maxBytes: number): Round {
  const [only] = proposals;
  if (only !== undefined && proposals.length === 1) return judgeOne(state, only);
  const round = { next: new Map(state.invocations), kept: [] as Kept[], facts: [] as Fact[], later: [] as Proposal[] };
  let room = maxBytes;
  for (const proposal of proposals) {
    // What waits for the next append keeps its place before later proposals of its invocation.
    if (round.later.some(({ id }) => id === proposal.id)) {
      round.later.push(proposal);
      continue;
    }
    const invocation = round.next.get(proposal.id);
    const folded = invocation === undefined ? undefined : foldFacts(invocation, proposal.facts);
    if (folded === undefined) {
      proposal.resolve(undefined);
      continue;
    }
    const bytes = encodedBytes(proposal.facts);
    if (bytes > room && round.kept.length > 0) {
      round.later.push(proposal);
      continue;
    }
    room -= bytes;
    round.next.set(proposal.id, folded.invocation);
    round.kept.push({ proposal, effects: folded.effects });
    round.facts.push(...proposal.facts);
  }
  return round;
}

/** Nearly always there is one. Whatever is alone goes alone, however large. */
function judgeOne({ invocations }: StreamState, proposal: Proposal): Round {
  const { id, facts } = proposal;
  const invocation = invocations.get(id);
  const folded = invocation === undefined ? undefined : foldFacts(invocation, facts);
  if (folded === undefined) {
    proposal.resolve(undefined);
    return { next: invocations, kept: [], facts: [], later: [] };
  }
  const next = new Map(invocations).set(id, folded.invocation);
  return { next, kept: [{ proposal, effects: folded.effects }], facts, later: [] };
}

/** An upper bound of the encoded size: no character takes more than 6 bytes in JSON. */
function encodedBytes(facts: readonly Fact[]): number {
  let bytes = 0;
  for (const fact of facts) {
    const text =
      ('payload' in fact ? fact.payload.length : 0) +
      ('output' in fact ? (fact.output?.length ?? 0) : 0) +
      ('destinations' in fact ? lengthOf(fact.destinations) : 0) +
      ('terms' in fact ? lengthOf(fact.terms?.onSuccess) + lengthOf(fact.terms?.onFailure) : 0);
    bytes += text < 2_000 && isBounded(fact) ? 2_048 + 6 * text : Buffer.byteLength(JSON.stringify(fact));
  }
  return bytes;
}

function lengthOf(destinations: readonly Destination[] = []): number {
  return destinations.reduce((sum, { id, destination, param }) => sum + id.length + destination.length + param.length + 48, 0);
}

/** Whether nothing in it but the payload, the output, the terms and the destinations can be long. */
function isBounded(fact: Fact): boolean {
  return !('failure' in fact || 'reason' in fact);
}
