import type { LogSource } from '#src/core/log/log-source.ts';
import type { LogLoss } from '#src/core/log/losses/log-loss.ts';
import { readUpTo } from '#src/core/log/read-up-to.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Store } from '#src/projection/store/store.ts';

/** A run of sequences, from the first one to the last. */
type Gap = { from: number; to: number };
type Lost = { request: number; sequence: number; at: number };

/** The messages that a read model holds and that neither the log nor its archive has. */
export type LostMessages = {
  gaps: readonly Gap[];
  /** Ascending. */
  messages: readonly Lost[];
};

/** A disk that damages more than these parts of a log is stated by its first parts. */
const MAX_GAPS = 10_000;
const MAX_LOST = 100_000;

/**
 * Finds the messages of a read model that the log lost from its middle (LOSS5). Reads the whole log, because a disk may damage any part of it.
 * `undefined` when the log has all of them: of a gap that the read model met when it was folded, it holds nothing.
 */
export async function findLostMessages(
  store: Store,
  source: LogSource,
  { clock, signal }: { clock: Pick<Clock, 'sleep'>; signal: AbortSignal },
): Promise<LostMessages | undefined> {
  const upTo = store.checkpoint?.sequence ?? 0;
  const gaps: Gap[] = [];
  let next = 1;
  const take = (sequence: number): void => {
    if (sequence > next && gaps.length < MAX_GAPS) gaps.push({ from: next, to: sequence - 1 });
    next = sequence + 1;
  };
  await readUpTo(source, { from: 1, to: upTo, clock, signal }, ({ sequence }) => take(sequence));
  if (signal.aborted) return undefined;
  take(upTo + 1);
  const messages = gaps.length === 0 ? [] : heldIn(store, gaps);
  if (messages.length === 0) return undefined;
  return { gaps: gaps.filter(({ from, to }) => messages.some(({ sequence }) => from <= sequence && sequence <= to)), messages };
}

/** The appends are grouped by stream, so that one pass finds those of all gaps. */
function heldIn({ database }: Store, gaps: readonly Gap[]): Lost[] {
  const found: Lost[] = [];
  for (const [request, sequence, at] of database.prepare('SELECT request_sequence, sequence, at FROM appends').iterate().rows) {
    if (found.length === MAX_LOST) break;
    if (isWithin(gaps, Number(sequence))) found.push({ request: Number(request), sequence: Number(sequence), at: Number(at) });
  }
  return found.sort((one, other) => one.sequence - other.sequence);
}

/** Whether a sequence is in one of these ascending gaps. */
function isWithin(gaps: readonly Gap[], sequence: number): boolean {
  let [low, high] = [0, gaps.length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((gaps[middle] as Gap).to < sequence) low = middle + 1;
    else high = middle;
  }
  const gap = gaps[low];
  return gap !== undefined && gap.from <= sequence;
}

/** So many gaps are named in the reason of a loss. */
const MAX_NAMED = 20;

export function describeGaps({ gaps }: LostMessages): string {
  const named = gaps.slice(0, MAX_NAMED).map(({ from, to }) => (from === to ? String(from) : `${from} to ${to}`));
  const more = gaps.length > MAX_NAMED ? ` and ${gaps.length - MAX_NAMED} further gaps` : '';
  return `the log lost messages before its end, which were read before: ${named.join(', ')}${more}`;
}

/** The loss lies between the message before the first gap and the end of the last one (LOSS3). */
export function boundsOf({ gaps, messages }: LostMessages): Pick<LogLoss, 'keptUpTo' | 'keptAt' | 'lostUpTo' | 'lostAt'> {
  return {
    keptUpTo: (gaps[0]?.from ?? 1) - 1,
    keptAt: messages[0]?.at ?? 0,
    lostUpTo: gaps.at(-1)?.to ?? 0,
    lostAt: messages.at(-1)?.at ?? 0,
  };
}
