import type { EventLog } from '#src/core/log/event-log.ts';
import { type LiveTransition, transitionsIn } from '#src/core/log/transitions.ts';
import { type FunctionName, parseFunctionName } from '#src/core/names/names.ts';
import { attemptIn, createLogTest, type LogFilter, type LogLine, type LogTest, linesOf } from '#src/core/output/attempt-lines.ts';
import { countAppends, readAppends } from '#src/nats/streams/read-appends.ts';
import { sequenceAt } from '#src/nats/streams/start-position.ts';
import type { Connection } from '#src/nats/transport/connection.ts';
import type { Transitions, TransitionsOptions } from './transitions.ts';

export type ReadLogsOptions = LogFilter & {
  /** Attempts that ended at or after this time; an hour ago by default. */
  since?: Date | undefined;
  /** Attempts that ended before this time; now by default. */
  until?: Date | undefined;
  /** The largest number of lines; the newest ones are kept. 500 by default. */
  limit?: number | undefined;
};

export type FollowLogsOptions = LogFilter & {
  /** The first sequence of the log; from now on by default. */
  from?: number | undefined;
  signal?: AbortSignal | undefined;
};

export type LogPage = {
  /** In the order in which the attempts ended. */
  lines: LogLine[];
  /** Whether all matching lines of the time are here. Otherwise the oldest ones are missing. */
  isComplete: boolean;
  /** The sequence from which `follow` continues. */
  next: number;
};

/** The output of the attempts of a function, and their failures. */
export interface ClientLogs {
  /** Reads from the log. The output of archived invocations is in their timeline. */
  read(name: string, options?: ReadLogsOptions): Promise<LogPage>;
  /** The lines of each attempt when it ends, until the signal aborts. Attempts without a matching line are left out. */
  follow(name: string, options?: FollowLogsOptions): AsyncGenerator<LogLine[]>;
}

type Parts = {
  connection: Connection;
  log: Pick<EventLog, 'lastSequence'>;
  /** Opens the sealed texts of a transition. */
  show: (transition: LiveTransition) => LiveTransition;
  openTransitions: (options: TransitionsOptions) => Transitions;
};

const AN_HOUR_IN_MS = 3_600_000;
const DEFAULT_LIMIT = 500;

/** The most appends that one read looks at. An attempt of an invocation is about two. */
const MAX_APPENDS = 10_000;

export function createClientLogs({ connection, log, show, openTransitions }: Parts): ClientLogs {
  /** The wanted lines of the attempts that these transitions end. Sealed texts are opened for these alone. */
  const linesIn = (transitions: readonly LiveTransition[], test: LogTest): LogLine[] =>
    transitions.flatMap((transition) => {
      const attempt = attemptIn(transition) === undefined ? undefined : attemptIn(show(transition));
      return attempt === undefined || !test.attempt(attempt) ? [] : linesOf(attempt).filter(test.line);
    });

  return {
    async read(given, { since, until, limit = DEFAULT_LIMIT, ...filter } = {}) {
      const name = parseFunctionName(given);
      const test = createLogTest(filter);
      const last = await log.lastSequence();
      const start = await startOf(connection, { name, since: since?.getTime() ?? Date.now() - AN_HOUR_IN_MS, last });
      const end = until?.getTime() ?? Number.POSITIVE_INFINITY;
      const newest = new NewestLines(limit);
      for await (const entry of readAppends(connection, { name, from: start.from })) {
        if (entry.sequence > last || entry.at >= end) break;
        newest.add(linesIn(transitionsIn(entry), test));
      }
      return { lines: newest.lines, isComplete: start.isComplete && newest.isComplete, next: last + 1 };
    },
    async *follow(given, { from, signal, ...filter } = {}) {
      const test = createLogTest(filter);
      // A subscription shows its transitions itself.
      const subscription = openTransitions({ function: given, state: ['retrying', 'succeeded', 'failed'], from: from ?? 'now' });
      const close = (): void => void subscription.close();
      signal?.addEventListener('abort', close);
      if (signal?.aborted) close();
      try {
        for await (const transition of subscription) {
          const lines = linesIn([transition], test);
          if (lines.length > 0) yield lines;
        }
      } finally {
        signal?.removeEventListener('abort', close);
        await subscription.close();
      }
    },
  };
}

/** The first sequence of a read. A busy function has too many appends since the time; then the newest part of them is read. */
async function startOf(
  connection: Connection,
  { name, since, last }: { name: FunctionName; since: number; last: number },
): Promise<{ from: number; isComplete: boolean }> {
  const wanted = await sequenceAt(connection, since);
  let from = wanted;
  while (from < last && (await countAppends(connection, { name, from })) > MAX_APPENDS) from = Math.ceil((from + last) / 2);
  return { from, isComplete: from === wanted };
}

/** The last lines of many. */
class NewestLines {
  isComplete = true;
  readonly #limit: number;
  #lines: LogLine[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  get lines(): LogLine[] {
    return this.#lines.slice(-this.#limit);
  }

  add(lines: readonly LogLine[]): void {
    for (const line of lines) this.#lines.push(line);
    if (this.#lines.length > this.#limit) this.isComplete = false;
    // Cut seldom, so that a line is moved once.
    if (this.#lines.length > 2 * this.#limit) this.#lines = this.lines;
  }
}
