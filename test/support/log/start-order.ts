import type { Fact } from '#machines/facts.ts';
import { parseJson } from '#src/core/json/json.ts';
import type { EventLog, FullLogEntry } from '#src/core/log/event-log.ts';
import { readUpTo } from '#src/core/log/read-up-to.ts';
import { systemClock } from '#src/core/ports/clock.ts';

type Turn = { invocation: string; place: number; attempts: number };

type Wanted = {
  /** `hold`: a request had its turn when it is over; `pass`: when its first attempt started. */
  onRetry: 'hold' | 'pass';
  /** Judges this function alone. */
  of?: string;
};

/**
 * The starts of the log that came before an earlier request of their key had its turn (SLOT7). The key is `key` of the payload.
 */
export async function findPassed(log: EventLog, { onRetry, of }: Wanted): Promise<string[]> {
  const turns = new Map<string, Turn>();
  const open = new Map<string, Set<Turn>>();
  const problems: string[] = [];
  const keys = new Map<string, string>();
  const request = ({ message: { requests, sequence } }: FullLogEntry & { kind: 'request' }): void => {
    for (const [index, { fact, payload }] of requests.entries()) {
      // A repeated request starts nothing.
      if ((of !== undefined && fact.function !== of) || turns.has(fact.invocation)) continue;
      const key = String((parseJson(payload) as { key?: string } | undefined)?.key);
      const turn: Turn = { invocation: fact.invocation, place: sequence + index / requests.length, attempts: 0 };
      turns.set(fact.invocation, turn);
      keys.set(fact.invocation, key);
      open.set(key, (open.get(key) ?? new Set()).add(turn));
    }
  };
  const fold = (fact: Fact): void => {
    const turn = turns.get(fact.invocation);
    const others = open.get(keys.get(fact.invocation) ?? '');
    if (turn === undefined || others === undefined) return;
    if (fact.type === 'running') {
      turn.attempts++;
      const passed = [...others].filter(({ place, attempts }) => place < turn.place && (onRetry === 'hold' || attempts === 0));
      if (onRetry === 'hold' || turn.attempts === 1)
        problems.push(
          ...passed.map((one) => `attempt ${turn.attempts} of ${turn.invocation} started before ${one.invocation} had its turn`),
        );
    }
    if (fact.type === 'succeeded' || fact.type === 'failed') others.delete(turn);
  };
  const { followFully: follow, firstFrom } = log;
  await readUpTo({ follow, firstFrom }, { from: 1, to: await log.lastSequence(), clock: systemClock }, (entry) => {
    if (entry.kind === 'request') request(entry);
    if (entry.kind === 'append') for (const fact of entry.append.facts) fold(fact);
  });
  return problems;
}
