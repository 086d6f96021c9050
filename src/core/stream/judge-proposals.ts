import type { Fact, Outcome } from '#machines/facts.ts';
import type { Invocation, InvocationEffect } from '#machines/invocation.ts';
import { isSameOutcome } from '#machines/outcome.ts';
import { maxEncodedBytes } from './append-size.ts';
import { foldFacts, type StreamState } from './stream.ts';

/** Facts of one invocation that are appended together or not at all. */
export type Proposal = {
  id: string;
  facts: readonly Fact[];
  /** The outcome that led to the facts; `null` for none. */
  outcome: Outcome | null;
  /** Whether the invocation is still as its proposer decided it; `undefined` when the machine alone decides. */
  isExpected: ((invocation: Invocation) => boolean) | undefined;
  resolve: (effects: readonly InvocationEffect[] | undefined) => void;
  reject: (reason: unknown) => void;
};

/** The verdict on a list of proposals. The refused proposals are resolved already, and are not in it. */
export type Judgement = {
  /** The invocations after the append. */
  next: ReadonlyMap<string, Invocation>;
  /** The proposals of this append, with the effects that they ask for. */
  accepted: readonly { proposal: Proposal; effects: readonly InvocationEffect[] }[];
  /** The facts of this append. */
  facts: readonly Fact[];
  /** The proposals that do not fit into this append. They are judged again for the next one. */
  postponed: readonly Proposal[];
};

/** Asks the machine about each proposal in turn, each after the accepted ones before it. Resolves the refused ones to `undefined`. */
export function judgeProposals(state: StreamState, proposals: readonly Proposal[], maxBytes: number): Judgement {
  const [only] = proposals;
  if (only !== undefined && proposals.length === 1) return judgeSingle(state, only);
  const next = new Map(state.invocations);
  const accepted: { proposal: Proposal; effects: readonly InvocationEffect[] }[] = [];
  const facts: Fact[] = [];
  const postponed: Proposal[] = [];
  let freeBytes = maxBytes;
  for (const proposal of proposals) {
    // A proposal never overtakes an earlier one of its invocation.
    if (postponed.some(({ id }) => id === proposal.id)) {
      postponed.push(proposal);
      continue;
    }
    const folded = foldProposal(next, proposal);
    if (folded === undefined) continue;
    const bytes = maxEncodedBytes(proposal.facts);
    if (bytes > freeBytes && accepted.length > 0) {
      postponed.push(proposal);
      continue;
    }
    freeBytes -= bytes;
    next.set(proposal.id, folded.invocation);
    accepted.push({ proposal, effects: folded.effects });
    facts.push(...proposal.facts);
  }
  return { next, accepted, facts, postponed };
}

/** The common case. A single proposal is appended alone, however large it is. */
function judgeSingle({ invocations }: StreamState, proposal: Proposal): Judgement {
  const folded = foldProposal(invocations, proposal);
  if (folded === undefined) return { next: invocations, accepted: [], facts: [], postponed: [] };
  const next = new Map(invocations).set(proposal.id, folded.invocation);
  return { next, accepted: [{ proposal, effects: folded.effects }], facts: proposal.facts, postponed: [] };
}

function foldProposal(invocations: ReadonlyMap<string, Invocation>, proposal: Proposal): ReturnType<typeof foldFacts> {
  const invocation = invocations.get(proposal.id);
  const folded = invocation === undefined || !mayFollow(invocation, proposal) ? undefined : foldFacts(invocation, proposal.facts);
  if (folded === undefined) proposal.resolve(undefined);
  return folded;
}

/**
 * Facts that follow an outcome are refused when a power cut took that outcome, and the invocation has another one (PROP4). Facts that follow
 * a state of the invocation are refused when the invocation has left that state (PROP5).
 */
function mayFollow(invocation: Invocation, { outcome, isExpected }: Proposal): boolean {
  if (outcome !== null && !isSameOutcome(invocation.context.outcome, outcome)) return false;
  return isExpected === undefined || isExpected(invocation);
}
