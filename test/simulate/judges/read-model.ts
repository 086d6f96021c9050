import type { FullLogEntry, StreamName } from '#src/core/log/event-log.ts';
import { streamKey } from '#src/core/names/ids.ts';
import { refold } from '#src/projection/fold/folded-stream.ts';
import type { Ledger } from './ledger.ts';
import type { Life } from './life.ts';

type StreamEntry = Extract<FullLogEntry, { kind: 'request' | 'append' }>;

/** Folds the whole log as the projection does, and compares each invocation with what the ledger saw (FOLD1, FOLD2). */
export function judgeReadModel(entries: readonly FullLogEntry[], { lives }: Ledger, problem: (text: string) => void): void {
  const unseen = new Map(lives);
  for (const stream of streamsOf(entries).values()) {
    const [first] = stream;
    if (first?.kind !== 'request') continue;
    const { invocations } = refold({ requestSequence: first.sequence, entries: stream });
    for (const [id, { snapshot }] of invocations) {
      const key = `${first.message.name.function}/${id}`;
      const life = lives.get(key);
      unseen.delete(key);
      const [read, written] = [describe(snapshot), life === undefined ? 'nothing' : describeLife(life)];
      if (read !== written) problem(`FOLD1: the read model has ${id} as ${read}, and the log as ${written}`);
    }
  }
  for (const { id } of unseen.values()) problem(`FOLD2: the read model lacks ${id}`);
}

function streamsOf(entries: readonly FullLogEntry[]): Map<string, StreamEntry[]> {
  const streams = new Map<string, StreamEntry[]>();
  for (const entry of entries) {
    if (entry.kind !== 'request' && entry.kind !== 'append') continue;
    const name: StreamName = entry.kind === 'request' ? entry.message.name : entry.name;
    const present = streams.get(streamKey(name));
    if (present !== undefined) present.push(entry);
    // An append about a lost request comes before the first request of its stream, and does not count (LINK5).
    else if (entry.kind === 'request') streams.set(streamKey(name), [entry]);
  }
  return streams;
}

type Snapshot = { value: unknown; context: { attempts: number; outcome: { type: string } | null; deliveries: object } };

function describe({ value, context: { attempts, outcome, deliveries } }: Snapshot): string {
  return `${String(value)} after ${attempts} attempts with ${outcome?.type} and ${Object.keys(deliveries).length} deliveries`;
}

function describeLife({ attempts, outcomes, deliveries, notified }: Life): string {
  const [outcome] = outcomes;
  return `${notified > 0 ? 'notified' : 'open'} after ${attempts.size} attempts with ${outcome?.type} and ${deliveries.size} deliveries`;
}
