import { type EndedAttempt, type LogLine, linesFrom, linesOf } from './attempt-lines.ts';
import { type LivePart, liveKey, MAX_LIVE_ATTEMPTS } from './live-output.ts';
import { SeenLines } from './seen-lines.ts';

/** The attempts that ended last: an answer about one of them comes too late. */
const MAX_ENDED = 256;

/** The lines of running attempts of one function for one reader, who sees each line once (LIVE3). */
export class LiveLines {
  readonly #running = new Map<string, SeenLines>();
  readonly #ended = new Set<string>();

  /** How many lines the reader has, by attempt. */
  after(): Record<string, number> {
    return Object.fromEntries([...this.#running].map(([key, { next }]) => [key, next]));
  }

  /** The new lines of a running attempt; none when it has ended, or when too many attempts are followed. */
  add(part: LivePart, { function: name, at }: { function: string; at: number }): LogLine[] {
    const key = liveKey(part);
    const present = this.#running.get(key);
    if (this.#ended.has(key) || part.next <= (present?.next ?? 0)) return [];
    if (present === undefined && this.#running.size >= MAX_LIVE_ATTEMPTS) return [];
    const seen = present ?? new SeenLines();
    this.#running.set(key, seen);
    const leftOut = seen.add(part);
    const { invocation, attempt, from, lines } = part;
    const common = { sequence: 0, function: name, invocation, attempt, failed: false, isLive: true as const };
    const shown = linesFrom(lines, common, { at, from });
    if (shown[0] !== undefined && leftOut > 0) shown[0].leftOut = leftOut;
    return shown;
  }

  /** The lines of an attempt that ended, without those that the reader has. */
  end(attempt: EndedAttempt, whole?: string): LogLine[] {
    const key = liveKey(attempt);
    const seen = this.#running.get(key);
    this.#running.delete(key);
    this.#ended.add(key);
    const [oldest = ''] = this.#ended;
    if (this.#ended.size > MAX_ENDED) this.#ended.delete(oldest);
    const lines = linesOf(attempt, whole);
    if (seen === undefined) return lines;
    const texts = lines.filter(({ kind }) => kind === 'output').map(({ text }) => text);
    const known = seen.countIn(texts, { isCut: lines[0]?.isCut ?? false });
    return lines.slice(known).map((line) => ({ ...line, index: line.index - known + seen.next }));
  }
}
