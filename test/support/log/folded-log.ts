import type { Fact } from '#machines/facts.ts';
import { type Invocation, invocationFolder } from '#machines/invocation.ts';
import { Verifier } from '#src/analysis/verify/verify.ts';
import type { EventLog } from '#src/core/log/event-log.ts';
import { readUpTo } from '#src/core/log/read-up-to.ts';
import { systemClock } from '#src/core/ports/clock.ts';

/** The whole log folded fact by fact, independently of the code that wrote it. */
export type FoldedLog = {
  invocations: Map<string, Invocation>;
  facts: Map<string, Fact[]>;
  /** The findings of `sequent verify`. */
  problems: string[];
};

/** Folds a log from its first to its current last message. */
export async function foldWholeLog(log: EventLog): Promise<FoldedLog> {
  const folded: FoldedLog = { invocations: new Map(), facts: new Map(), problems: [] };
  const verifier = new Verifier();
  const { followFully: follow, firstFrom } = log;
  await readUpTo({ follow, firstFrom }, { from: 1, to: await log.lastSequence(), clock: systemClock }, (entry) => {
    verifier.read(entry);
    if (entry.kind === 'append') for (const fact of entry.append.facts) foldFact(fact, folded);
    if (entry.kind !== 'request') return;
    // A second request of one id starts nothing.
    for (const { fact } of entry.message.requests) if (!folded.invocations.has(fact.invocation)) foldFact(fact, folded);
  });
  const { findings } = verifier.finish();
  folded.problems.push(...findings.map(({ kind, sequence, invocation, what }) => `${kind} at ${sequence}: ${invocation ?? ''} ${what}`));
  return folded;
}

function foldFact(fact: Fact, { invocations, facts }: FoldedLog): void {
  const step = invocationFolder.step(invocations.get(fact.invocation) ?? invocationFolder.initial, fact);
  if (step === undefined) return;
  invocations.set(fact.invocation, step.snapshot);
  facts.set(fact.invocation, [...(facts.get(fact.invocation) ?? []), fact]);
}

/** Checks a finished invocation beyond what `verify` checks; returns the violations. */
export function findLifeProblems(id: string, facts: readonly Fact[]): string[] {
  const problems: string[] = [];
  const outcomes = facts.filter(({ type }) => type === 'succeeded' || type === 'failed');
  if (outcomes.length !== 1) problems.push(`${id} has ${outcomes.length} outcomes`);
  if (facts.at(-1)?.type !== 'notified') problems.push(`${id} ends with ${facts.at(-1)?.type}`);
  return problems;
}
