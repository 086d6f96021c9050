import type { Fact } from '#machines/facts.ts';
import { type Invocation, invocationFolder } from '#machines/invocation.ts';
import type { EventLog, FullLogEntry } from '#src/core/event-log.ts';

/** What the whole log says, fact by fact: judged independently of the code that wrote it. */
export type FoldedLog = {
  invocations: Map<string, Invocation>;
  facts: Map<string, Fact[]>;
  /** Facts that the machine refuses, appends that do not follow their predecessor, facts about nothing. */
  problems: string[];
};

/** Folds a log from its first to its present last message. */
export async function foldWholeLog(log: EventLog): Promise<FoldedLog> {
  const last = await log.lastSequence();
  const folded: FoldedLog = { invocations: new Map(), facts: new Map(), problems: [] };
  const versions = new Map<string, number>();
  const stop = new AbortController();
  await log.followFully(
    1,
    (entry) => {
      foldEntry(entry, folded, versions);
      if (entry.sequence >= last) stop.abort();
    },
    stop.signal,
  );
  return folded;
}

function foldEntry(entry: FullLogEntry, folded: FoldedLog, versions: Map<string, number>): void {
  if (entry.kind === 'request') {
    for (const { fact } of entry.message.requests) {
      // A second request of one id starts nothing.
      if (!folded.invocations.has(fact.invocation)) foldFact(fact, folded, entry.sequence);
    }
  } else if (entry.kind === 'append') {
    const key = `${entry.name.function}.${entry.name.stream}`;
    const before = versions.get(key) ?? 0;
    if (entry.append.previous !== before) folded.problems.push(`append ${entry.sequence} follows ${entry.append.previous}, not ${before}`);
    versions.set(key, entry.sequence);
    for (const fact of entry.append.facts) foldFact(fact, folded, entry.sequence);
  }
}

function foldFact(fact: Fact, { invocations, facts, problems }: FoldedLog, sequence: number): void {
  const snapshot = invocations.get(fact.invocation) ?? invocationFolder.initial;
  const step = invocationFolder.step(snapshot, fact);
  if (step === undefined) {
    problems.push(`the machine refuses ${fact.type} of ${fact.invocation} in ${snapshot.value}, at ${sequence}`);
    return;
  }
  invocations.set(fact.invocation, step.snapshot);
  facts.set(fact.invocation, [...(facts.get(fact.invocation) ?? []), fact]);
}

/** What must hold for the facts of one invocation that is over; returns what does not. */
export function findLifeProblems(id: string, facts: readonly Fact[]): string[] {
  const problems: string[] = [];
  const outcomes = facts.filter(({ type }) => type === 'succeeded' || type === 'failed');
  if (outcomes.length !== 1) problems.push(`${id} has ${outcomes.length} outcomes`);
  if (facts.at(-1)?.type !== 'notified') problems.push(`${id} ends with ${facts.at(-1)?.type}`);
  let attempts = 0;
  let dueAt = 0;
  for (const fact of facts) {
    if (fact.type === 'retrying') dueAt = fact.dueAt;
    if (fact.type !== 'running') continue;
    attempts++;
    if (fact.attempt !== attempts) problems.push(`${id}: attempt ${attempts} is numbered ${fact.attempt}`);
    if (fact.at < dueAt) problems.push(`${id}: attempt ${attempts} began ${dueAt - fact.at} ms early`);
  }
  return problems;
}
