import { KeyMissingError, PayloadUnavailableError } from '#src/core/errors.ts';
import type { EventLog } from '#src/core/log/event-log.ts';
import { type LiveTransition, transitionsIn } from '#src/core/log/transitions.ts';
import { type FunctionName, parseFunctionName } from '#src/core/names/names.ts';
import {
  attemptIn,
  createLogTest,
  type EndedAttempt,
  type LogFilter,
  type LogLine,
  type LogTest,
  linesOf,
} from '#src/core/output/attempt-lines.ts';
import type { LargePayloads } from '#src/core/payloads/large-payloads.ts';
import { countAppends, readAppends } from '#src/nats/streams/read-appends.ts';
import { sequenceAt } from '#src/nats/streams/start-position.ts';
import type { Connection } from '#src/nats/transport/connection.ts';
import { NewestLines } from './newest-lines.ts';
import type { Transitions, TransitionsOptions } from './transitions.ts';

/** `whole`: the whole output of attempts of a function that keeps it (`maxOutputBytes`), instead of the last 4 KB. */
type LogOptions = LogFilter & { whole?: boolean | undefined };

export type ReadLogsOptions = LogOptions & {
  /** Attempts that ended at or after this time; an hour ago by default. */
  since?: Date | undefined;
  /** Attempts that ended before this time; now by default. */
  until?: Date | undefined;
  /** The largest number of lines; the newest ones are kept. 500 by default. */
  limit?: number | undefined;
};

export type FollowLogsOptions = LogOptions & {
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
  large: Pick<LargePayloads, 'fetch'>;
};

const AN_HOUR_IN_MS = 3_600_000;
const DEFAULT_LIMIT = 500;

/** The most appends that one read looks at. An attempt of an invocation is about two. */
const MAX_APPENDS = 10_000;

export function createClientLogs(parts: Parts): ClientLogs {
  return {
    read: (name, options = {}) => readLogs(parts, parseFunctionName(name), options),
    follow: (name, options = {}) => followLogs(parts, name, options),
  };
}

async function readLogs(parts: Parts, name: FunctionName, options: ReadLogsOptions): Promise<LogPage> {
  const { since, until, limit = DEFAULT_LIMIT, whole = false, ...filter } = options;
  const { connection, log } = parts;
  const test = createLogTest(filter);
  const last = await log.lastSequence();
  const start = await startOf(connection, { name, since: since?.getTime() ?? Date.now() - AN_HOUR_IN_MS, last });
  const end = until?.getTime() ?? Number.POSITIVE_INFINITY;
  const newest = new NewestLines(limit);
  const attempts: EndedAttempt[] = [];
  for await (const entry of readAppends(connection, { name, from: start.from })) {
    if (entry.sequence > last || entry.at >= end) break;
    const found = attemptsIn(parts, transitionsIn(entry), test);
    if (whole) attempts.push(...found);
    else newest.add(found.flatMap((attempt) => linesOf(attempt)).filter(test.line));
  }
  await newest.addBackwards(attempts, async (attempt) => (await wholeLinesOf(parts, attempt)).filter(test.line));
  const { lines } = newest;
  return { lines, isComplete: start.isComplete && newest.isComplete, next: last + 1 };
}

async function* followLogs(parts: Parts, name: string, options: FollowLogsOptions): AsyncGenerator<LogLine[]> {
  const { from = 'now', signal, whole = false, ...filter } = options;
  const test = createLogTest(filter);
  // A subscription shows its transitions itself.
  const subscription = parts.openTransitions({ function: name, state: ['retrying', 'succeeded', 'failed'], from });
  const close = (): void => void subscription.close();
  signal?.addEventListener('abort', close);
  if (signal?.aborted) close();
  try {
    for await (const transition of subscription) {
      for (const attempt of attemptsIn(parts, [transition], test)) {
        const lines = (whole ? await wholeLinesOf(parts, attempt) : linesOf(attempt)).filter(test.line);
        if (lines.length > 0) yield lines;
      }
    }
  } finally {
    signal?.removeEventListener('abort', close);
    await subscription.close();
  }
}

/** The wanted attempts that these transitions end. Sealed texts are opened for these alone. */
function attemptsIn({ show }: Parts, transitions: readonly LiveTransition[], test: LogTest): EndedAttempt[] {
  return transitions.flatMap((transition) => {
    const attempt = attemptIn(transition) === undefined ? undefined : attemptIn(show(transition));
    return attempt === undefined || !test.attempt(attempt) ? [] : [attempt];
  });
}

async function wholeLinesOf({ large }: Parts, attempt: EndedAttempt): Promise<LogLine[]> {
  return linesOf(attempt, await readWhole(large, attempt));
}

/** The stored output of an attempt; `undefined` without one, or when it cannot be read any more. The end of it is in the log. */
async function readWhole(large: Parts['large'], { function: name, invocation, storedOutput }: EndedAttempt): Promise<string | undefined> {
  if (storedOutput === undefined) return undefined;
  try {
    return await large.fetch({ function: name, invocation }, storedOutput.reference);
  } catch (error) {
    if (error instanceof PayloadUnavailableError || error instanceof KeyMissingError) return undefined;
    throw error;
  }
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
