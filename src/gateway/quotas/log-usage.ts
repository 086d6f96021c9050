import type { EventLog } from '#src/core/log/event-log.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import { OpenByProject } from './open-by-project.ts';
import { StoredByProject } from './stored-by-project.ts';

/**
 * What the log holds for each project: its open invocations, and its bytes if they were asked for. The own project has an empty name. A project
 * without any is absent.
 */
export type LogUsage = { sequence: number; open: Readonly<Record<string, number>>; stored?: Readonly<Record<string, number>> };

/** Counts the log for the quotas of projects. */
export interface UsageCount {
  /** The first question starts the reading; with `bytes`, at the first message of the log. */
  read(asked: { bytes: boolean }): LogUsage;
  close(): Promise<void>;
}

type LogExtent = { first: number; last: number; messages: number };

export type UsageOptions = {
  log: Pick<EventLog, 'followFully'>;
  clock: Clock;
  /** The sequence before which every invocation has ended. */
  from: number;
  /** The first and the last message of the log, and how many it holds. */
  extent: () => Promise<LogExtent>;
};

const LOOK_EVERY_MS = 5_000;
/** The retention removes finished messages between open ones one by one. The bytes are counted again when it removed this share. */
const COUNT_AGAIN_SHARE = 0.1;
const COUNT_AGAIN_AT_LEAST = 10_000;

export function countUsage({ log, clock, from, extent }: UsageOptions): UsageCount {
  const closing = new AbortController();
  const looking: Promise<void>[] = [];
  let current: Pass | undefined;
  /** Counts the log again, until it has reached the current one. */
  let next: Pass | undefined;
  let first = 1;

  function begin(bytes: boolean): Pass {
    const pass = new Pass(bytes);
    pass.follow(log, bytes ? 1 : from, closing.signal);
    return pass;
  }

  async function look(): Promise<void> {
    while (!closing.signal.aborted) {
      const found = await extent().catch(() => undefined);
      if (found !== undefined) judge(found);
      await clock.sleep(LOOK_EVERY_MS, closing.signal);
    }
  }

  function judge({ first: firstNow, last, messages }: LogExtent): void {
    first = firstNow;
    const removed = Math.max(0, last - firstNow + 1 - messages);
    if (current === undefined) return;
    current.removedAtStart ??= removed;
    if (next === undefined && removed - current.removedAtStart > Math.max(COUNT_AGAIN_AT_LEAST, messages * COUNT_AGAIN_SHARE)) {
      next = begin(true);
      next.removedAtStart = removed;
    }
  }

  return {
    read({ bytes }) {
      if (current === undefined || (bytes && current.stored === undefined)) {
        current?.end();
        current = begin(bytes);
      }
      if (bytes && looking.length === 0) looking.push(look());
      if (next !== undefined && next.sequence >= current.sequence) {
        current.end();
        current = next;
        next = undefined;
      }
      const { sequence, open, stored } = current;
      return { sequence, open: open.counts, ...(stored === undefined ? {} : { stored: stored.from(first) }) };
    },
    async close() {
      closing.abort();
      await Promise.all([...looking, current?.ended, next?.ended]);
    },
  };
}

/** One reading of the log. */
class Pass {
  readonly open = new OpenByProject();
  readonly stored: StoredByProject | undefined;
  /** How many messages between others were missing when the reading began. */
  removedAtStart: number | undefined;
  ended: Promise<void> | undefined;
  readonly #ending = new AbortController();

  constructor(bytes: boolean) {
    this.stored = bytes ? new StoredByProject() : undefined;
  }

  get sequence(): number {
    return this.open.sequence;
  }

  follow(log: UsageOptions['log'], from: number, signal: AbortSignal): void {
    this.ended = log.followFully(
      from,
      (entry, bytes = 0) => {
        this.open.fold(entry);
        this.stored?.fold(entry, bytes);
      },
      AbortSignal.any([signal, this.#ending.signal]),
    );
  }

  end(): void {
    this.#ending.abort();
  }
}
