import assert from 'node:assert/strict';
import type { Destination, Fact } from '#machines/facts.ts';
import type { Invocation, InvocationEffect } from '#machines/invocation.ts';
import type { Append, EventLog } from './event-log.ts';
import { attentionOf, catchUp, foldFacts, type StreamState } from './stream.ts';

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
   * Rejects when the log cannot tell (see `EventLog.append`); every later proposal rejects too.
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

type Round = {
  next: Map<string, Invocation>;
  kept: { proposal: Proposal; effects: readonly InvocationEffect[] }[];
  facts: Fact[];
  /** Proposals that did not fit. */
  later: Proposal[];
};

export type StreamWriterOptions = { log: EventLog; state: StreamState; by: string; appendId: () => string };

export function createStreamWriter({ log, state: initial, by, appendId }: StreamWriterOptions): StreamWriter {
  let state = initial;
  let waiting: Proposal[] = [];
  let isWriting = false;
  let broken: { reason: unknown } | undefined;

  async function write(): Promise<void> {
    // Proposals made in the same turn share one append.
    await null;
    while (waiting.length > 0) {
      const proposals = waiting;
      waiting = [];
      try {
        await commit(proposals);
      } catch (reason) {
        broken = { reason };
        for (const proposal of [...proposals, ...waiting]) proposal.reject(reason);
        waiting = [];
      }
    }
    isWriting = false;
  }

  async function commit(proposals: readonly Proposal[]): Promise<void> {
    let open = proposals;
    while (open.length > 0) {
      const { next, kept, facts, later } = judge(state, open, log.maxAppendBytes);
      if (kept.length === 0) return;
      const base = state;
      const append: Append = { id: appendId(), previous: base.version, request: base.request.sequence, by, facts };
      const version = await log.append(base.name, append, attentionOf(next.values()));
      if (version !== undefined) {
        learn({ ...base, version, invocations: next, facts: [...base.facts, ...facts] });
        for (const { proposal, effects } of kept) proposal.resolve(effects);
        open = later;
        continue;
      }
      open = [...kept.map(({ proposal }) => proposal), ...later];
      const news = await log.read(base.name, base.version);
      assert(news.length > 0, `the log refuses version ${base.version} of ${base.name.stream}, and holds nothing newer`);
      learn(await catchUp(log, base, news));
    }
  }

  /** What is newer contains what is older: a stream has one history. */
  function learn(known: StreamState): void {
    if (known.version > state.version) state = known;
  }

  let reading: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  /** Whoever asks while it is being read waits for the next reading, all of them for the same one. */
  function readNews(): Promise<void> {
    if (reading === undefined) {
      reading = read().finally(() => {
        reading = undefined;
      });
      return reading;
    }
    next ??= reading.then(() => {
      next = undefined;
      return readNews();
    });
    return next;
  }

  async function read(): Promise<void> {
    const base = state;
    const news = await log.read(base.name, base.version);
    if (news.length > 0) learn(await catchUp(log, base, news));
  }

  return {
    async refresh(known) {
      if (known === undefined) await readNews();
      else learn(known);
    },
    get state() {
      return state;
    },
    propose(id, facts) {
      if (broken !== undefined) return Promise.reject(broken.reason);
      return new Promise((resolve, reject) => {
        waiting.push({ id, facts, resolve, reject });
        if (isWriting) return;
        isWriting = true;
        void write();
      });
    },
  };
}

/** Asks the machine about each proposal in turn; resolves those that it refuses. */
function judge(state: StreamState, proposals: readonly Proposal[], maxBytes: number): Round {
  const round: Round = { next: new Map(state.invocations), kept: [], facts: [], later: [] };
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
