import type { Fact } from '#machines/facts.ts';
import type { Invocation, InvocationEffect } from '#machines/invocation.ts';
import { LogBehindError, StreamLostError } from '#src/core/errors.ts';
import type { Append, EventLog, RecordedAppend, StoredAppend } from '#src/core/log/event-log.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import { type Judgement, judgeProposals, type Proposal } from './judge-proposals.ts';
import { catchUp, readStream, type StreamState, wakeTimesOf } from './stream.ts';

export type StreamWriterOptions = { log: EventLog; state: StreamState; by: string; appendId: () => string; clock: Clock };

const resolved = Promise.resolve();

/** The pauses between reads after a conflict. They double, and sum up to 6.35 s. */
const FIRST_PAUSE_IN_MS = 50;
const LAST_PAUSE_IN_MS = 3_200;

/**
 * Appends facts to one stream, for one run in one process (E3).
 *
 * - One append is in flight at most, and it expects the version that the writer folded (PROP1). Facts that are proposed meanwhile share the
 *   next append: group commit without a timer.
 * - A proposal ends in one of three ways: appended once and whole; refused by the machine; unknown (PROP2). After an unknown one the writer
 *   is broken, and its process must not acknowledge an item of the stream.
 * - After a conflict the writer reads the newer facts and asks the machine again about every waiting proposal (PROP3).
 * - A proposal that follows an outcome is refused when the invocation has another outcome (PROP4).
 * - A proposal that depends on a state is refused when the invocation has left that state (PROP5). The machine accepts some facts in several
 *   states, and a decision from one of these states may be wrong in another one.
 * - When the log may have gone backwards, the writer reads the stream again before its next append. An append whose answer came after that
 *   counts only if the log shows it among the accepted ones; otherwise its proposals are judged again (LINK4).
 *
 * A batch that is larger than one message is split over several appends.
 *
 * A class with callbacks: docs/performance.md V4, V6.
 */
export class StreamWriter {
  readonly #log: EventLog;
  readonly #by: string;
  readonly #appendId: () => string;
  readonly #clock: Clock;
  #state: StreamState;
  /** The epoch of the log in which the state was read. */
  #epoch: number;
  #waiting: Proposal[] = [];
  /** The proposals of the append in flight. */
  #inFlight: readonly Proposal[] = [];
  #isWriting = false;
  #broken: { reason: unknown } | undefined;
  #reading: Promise<unknown> | undefined;
  #nextReading: Promise<unknown> | undefined;

  constructor({ log, state, by, appendId, clock }: StreamWriterOptions) {
    this.#log = log;
    this.#state = state;
    this.#epoch = log.epoch();
    this.#by = by;
    this.#appendId = appendId;
    this.#clock = clock;
  }

  /** The stream as the writer last read or wrote it. It contains durable facts only. */
  get state(): StreamState {
    return this.#state;
  }

  /**
   * Proposes facts of one invocation, which are appended together or not at all. Resolves, once they are durable, to the effects that they
   * ask for. Resolves to `undefined` when the machine refuses them, and when the invocation does not have the outcome that led to the facts.
   * By default, that is the outcome of the present state. `isExpected` says whether the invocation is still in the state that led to the
   * facts: when it is not, the proposal is refused too (PROP5).
   *
   * Rejects when the outcome of the append is unknown (see `EventLog.append`), and with `LogBehindError` when the log refuses the version but
   * shows nothing newer. Every later proposal then rejects too.
   */
  propose(
    id: string,
    facts: readonly Fact[],
    outcome = this.#state.invocations.get(id)?.context.outcome ?? null,
    isExpected: ((invocation: Invocation) => boolean) | undefined = undefined,
  ): Promise<readonly InvocationEffect[] | undefined> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken.reason);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ id, facts, outcome, isExpected, resolve, reject });
      if (this.#isWriting) return;
      this.#isWriting = true;
      this.#write();
    });
  }

  /**
   * Adopts a newer state of the stream that another process sent. Reads the log when none is given, and when the state lacks facts that this
   * writer knows: its sender did not notice that the log lost messages (LINK4). Rejects when the log cannot be read.
   */
  async refresh(newer?: StreamState): Promise<void> {
    if (newer === undefined || !this.#isFollowedBy(newer)) await this.#readShared();
    else this.#adopt(newer);
  }

  /** Whether a state, if it is newer, begins with the facts of this one. */
  #isFollowedBy({ version, facts }: StreamState): boolean {
    if (version <= this.#state.version) return true;
    return this.#state.facts.every((fact, index) => isSameFact(fact, facts[index]));
  }

  /** Appends until no proposal waits (PROP1). The first append starts in a later microtask, so proposals of one turn share it. */
  #write(): void {
    void resolved.then(() => this.#writeNow());
  }

  #writeNow(): void {
    try {
      const writing = this.#appendWaiting();
      if (writing === undefined) this.#writeNext();
      else
        writing.then(
          () => this.#writeNext(),
          (reason) => this.#break(reason),
        );
    } catch (reason) {
      this.#break(reason);
    }
  }

  #writeNext(): void {
    this.#isWriting = this.#waiting.length > 0;
    if (this.#isWriting) this.#write();
  }

  #appendWaiting(): Promise<void> | undefined {
    return this.#log.epoch() === this.#epoch ? this.#appendJudged() : this.#reload().then(() => this.#appendJudged());
  }

  #appendJudged(): Promise<void> | undefined {
    const base = this.#state;
    this.#inFlight = this.#waiting;
    this.#waiting = [];
    const judgement = judgeProposals(base, this.#inFlight, this.#log.maxAppendBytes);
    const { next, accepted, facts } = judgement;
    if (accepted.length === 0) return undefined;
    const append: Append = {
      id: this.#appendId(),
      previous: base.version,
      request: base.request.sequence,
      by: this.#by,
      facts,
      link: base.head,
    };
    return this.#log.append(base.name, append, wakeTimesOf(next)).then((stored) => {
      if (stored === undefined) return this.#catchUpAfterConflict(base, judgement);
      return this.#log.epoch() === this.#epoch ? this.#record(base, judgement, stored) : this.#confirm(judgement, append.id);
    });
  }

  #record(base: StreamState, { next, accepted, facts, postponed }: Judgement, { version, hash }: StoredAppend): void {
    this.#adopt({ ...base, version, head: hash, invocations: next, facts: [...base.facts, ...facts] });
    for (const { proposal, effects } of accepted) proposal.resolve(effects);
    if (postponed.length > 0) this.#waiting = [...postponed, ...this.#waiting];
  }

  /** The log may have gone backwards during an append: what it holds now decides whether the append counts (LINK4). */
  async #confirm(judgement: Judgement, appendId: string): Promise<void> {
    const accepted = await this.#reload();
    if (!accepted.some(({ id }) => id === appendId)) return this.#requeue(judgement);
    for (const { proposal, effects } of judgement.accepted) proposal.resolve(effects);
    this.#waiting = [...judgement.postponed, ...this.#waiting];
  }

  /** Replaces the state by what the log holds now. Returns the accepted appends. */
  async #reload(): Promise<readonly RecordedAppend[]> {
    const { name, request } = this.#state;
    const found = await readStream(this.#log, name, request.sequence);
    if (found === undefined) throw new StreamLostError({ stream: name.stream });
    this.#state = found.state;
    this.#epoch = found.epoch;
    return found.accepted;
  }

  #requeue({ accepted, postponed }: Judgement): void {
    this.#waiting = [...accepted.map(({ proposal }) => proposal), ...postponed, ...this.#waiting];
  }

  /**
   * Queues the proposals again, and reads until the state is newer than the refused one (PROP3).
   *
   * The newer append may not be readable yet, because the leader changed or a replica lags. The reads therefore repeat with growing pauses, and
   * then end in `LogBehindError`.
   */
  async #catchUpAfterConflict(base: StreamState, judgement: Judgement): Promise<void> {
    this.#requeue(judgement);
    // The next append reads the stream again.
    if (this.#log.epoch() !== this.#epoch) return;
    let waitedInMs = 0;
    for (let pauseInMs = FIRST_PAUSE_IN_MS; !(await this.#isNewer(base)); pauseInMs *= 2) {
      if (pauseInMs > LAST_PAUSE_IN_MS) throw new LogBehindError({ stream: base.name.stream, version: base.version, waitedInMs });
      await this.#clock.sleep(pauseInMs);
      waitedInMs += pauseInMs;
    }
  }

  /** Whether the state is newer than the base, by a concurrent refresh or by a read of the log. */
  async #isNewer(base: StreamState): Promise<boolean> {
    return this.#state.version > base.version || (await this.#read(base));
  }

  /** Rejects every proposal whose outcome is unknown, and every later one (PROP2). */
  #break(reason: unknown): void {
    this.#broken = { reason };
    for (const proposal of [...this.#inFlight, ...this.#waiting]) proposal.reject(reason);
    this.#waiting = [];
    this.#isWriting = false;
  }

  #adopt(state: StreamState): void {
    if (state.version > this.#state.version) this.#state = state;
  }

  /** Reads the log. Callers that arrive during a read share the next read, because the current one may have started too early for them. */
  #readShared(): Promise<unknown> {
    if (this.#reading === undefined) {
      this.#reading = this.#read().finally(() => {
        this.#reading = undefined;
      });
      return this.#reading;
    }
    const readNext = (): Promise<unknown> => {
      this.#nextReading = undefined;
      return this.#readShared();
    };
    // The failure of a read says nothing about the next read.
    this.#nextReading ??= this.#reading.then(readNext, readNext);
    return this.#nextReading;
  }

  /** Adopts the appends after the base; false when there are none. */
  async #read(base = this.#state): Promise<boolean> {
    const appends = await this.#log.read(base.name, base.version);
    if (appends.length > 0) this.#adopt(await catchUp(this.#log, base, appends));
    return appends.length > 0;
  }
}

/** Compares the fields that are no objects: a fact that was read has the same ones as the fact that was appended. */
function isSameFact(one: Fact, other: Fact | undefined): boolean {
  if (other === undefined) return false;
  return Object.entries(one).every(([key, value]) => typeof value === 'object' || value === (other as Record<string, unknown>)[key]);
}
