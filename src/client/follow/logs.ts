import type { Opener } from '#src/client/history/opener.ts';
import { KeyMissingError, PayloadUnavailableError } from '#src/core/errors.ts';
import { fallback } from '#src/core/fallback.ts';
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
import { LiveLines } from '#src/core/output/live-lines.ts';
import type { LargePayloads } from '#src/core/payloads/large-payloads.ts';
import type { LiveAnswer, LiveOutput } from '#src/core/ports/questions/live-output.ts';
import { sequenceAt } from '#src/nats/streams/feeds/start-position.ts';
import { countAppends, readAppends } from '#src/nats/streams/log/read-appends.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { NewestLines } from './newest-lines.ts';
import type { Transitions, TransitionsOptions } from './transitions.ts';

/** `whole`: the whole output of attempts of a function that keeps it (`maxOutputBytes`), instead of the last 4 KB. */
type LogOptions = LogFilter & { whole?: boolean | undefined };

/** Which lines `logs.read` returns: of which time, how many, and which attempts. */
export type ReadLogsOptions = LogOptions & {
  /** Attempts that ended at or after this time; an hour ago by default. */
  since?: Date | undefined;
  /** Attempts that ended before this time; now by default. */
  until?: Date | undefined;
  /** The largest number of lines; the newest ones are kept. 500 by default. */
  limit?: number | undefined;
};

/** Which lines `logs.follow` gives, from where, and until when. */
export type FollowLogsOptions = LogOptions & {
  /** The first sequence of the log; from now on by default. */
  from?: number | undefined;
  /** Ends the loop. */
  signal?: AbortSignal | undefined;
  /** Also the lines of running attempts, within a second (`isLive`). With `failed`, a line is shown when its attempt has failed. */
  live?: boolean | undefined;
};

/** The lines that a read of the logs found. */
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
  /**
   * Reads the lines of a function from the log. The output of archived invocations is in their timeline. Throws `InvalidInputError`.
   *
   * @param name The name of the function.
   * @example
   * import { connectClient } from 'sequent-functions/client';
   *
   * await using client = await connectClient();
   * const { lines, next } = await client.logs.read('orders', { limit: 100 });
   * for (const { at, message } of lines) console.log(new Date(at).toISOString(), message);
   * for await (const more of client.logs.follow('orders', { from: next, live: true })) for (const { text } of more) console.log(text);
   */
  read(name: string, options?: ReadLogsOptions): Promise<LogPage>;
  /**
   * The lines of each attempt of the function with this `name` when it ends, until the signal aborts. Attempts without a matching line are left
   * out. With `live`, an attempt that runs gives its lines before, each once. Throws `InvalidInputError` at the first step.
   */
  follow(name: string, options?: FollowLogsOptions): AsyncGenerator<LogLine[]>;
}

type LogReaderOptions = {
  connection: Connection;
  ports: { log: Pick<EventLog, 'lastSequence'>; liveOutput: Pick<LiveOutput, 'follow'> };
  opener: Pick<Opener, 'transition' | 'live'>;
  openTransitions: (options: TransitionsOptions) => Transitions;
  large: Pick<LargePayloads, 'fetch'>;
};

const AN_HOUR_IN_MS = 3_600_000;
const DEFAULT_LIMIT = 500;

/** The most appends that one read looks at. An attempt of an invocation is about two. */
const MAX_APPENDS = 10_000;

export function createClientLogs(parts: LogReaderOptions): ClientLogs {
  return {
    read: (name, options = {}) => readLogs(parts, parseFunctionName(name), options),
    follow: (name, options = {}) => followLogs(parts, name, options),
  };
}

async function readLogs(parts: LogReaderOptions, name: FunctionName, options: ReadLogsOptions): Promise<LogPage> {
  const { since, until, limit = DEFAULT_LIMIT, whole = false, ...filter } = options;
  const { connection, ports } = parts;
  const test = createLogTest(filter);
  const last = await ports.log.lastSequence();
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
  await newest.addBackwards(attempts, async (attempt) => linesOf(attempt, await readWhole(parts.large, attempt)).filter(test.line));
  const { lines } = newest;
  return { lines, isComplete: start.isComplete && newest.isComplete, next: last + 1 };
}

async function* followLogs(parts: LogReaderOptions, name: string, options: FollowLogsOptions): AsyncGenerator<LogLine[]> {
  const { from = 'now', signal, whole = false, live = false, ...filter } = options;
  const { ports, opener } = parts;
  const test = createLogTest(filter);
  const lines = new LiveLines();
  const closing = new AbortController();
  // A subscription shows its transitions itself.
  const subscription = parts.openTransitions({ function: name, state: ['retrying', 'succeeded', 'failed'], from });
  const close = (): void => {
    closing.abort();
    void subscription.close();
  };
  signal?.addEventListener('abort', close);
  if (signal?.aborted) close();
  const shownLive = ({ parts: found, at }: LiveAnswer): LogLine[] =>
    found.flatMap((part) => lines.add(part, { function: name, at })).filter(test.line);
  async function shownEnd(transition: LiveTransition): Promise<LogLine[]> {
    const [attempt] = attemptsIn(parts, [transition], test);
    if (attempt === undefined) return [];
    return lines.end(attempt, whole ? await readWhole(parts.large, attempt) : undefined).filter(test.line);
  }
  const asked = { function: name, invocation: filter.invocation, after: () => lines.after() };
  try {
    const running = live && !filter.failed ? ports.liveOutput.follow(asked, closing.signal) : undefined;
    for await (const found of running === undefined ? subscription : inTurn(subscription, running)) {
      const shown = 'parts' in found ? shownLive(opener.live(found, name)) : await shownEnd(found);
      if (shown.length > 0) yield shown;
    }
  } finally {
    signal?.removeEventListener('abort', close);
    closing.abort();
    await subscription.close();
  }
}

/** The values of both until the first one ends. Each source is read on when its value was processed. A failure of the second one ends it alone. */
async function* inTurn<One, Other>(first: AsyncIterable<One>, second: AsyncIterable<Other>): AsyncGenerator<One | Other> {
  const found: { value: One | Other; goOn: () => void }[] = [];
  let wake = (): void => {};
  let end: { error?: unknown } | undefined;
  const finish = (ended: { error?: unknown }): void => {
    end = ended;
    wake();
  };
  async function read(source: AsyncIterable<One | Other>): Promise<void> {
    for await (const value of source)
      await new Promise<void>((goOn) => {
        found.push({ value, goOn });
        wake();
      });
  }
  read(first).then(
    () => finish({}),
    (error: unknown) => finish({ error }),
  );
  read(second).catch(() => {});
  while (found.length > 0 || end === undefined) {
    const next = found.shift();
    if (next === undefined) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      continue;
    }
    yield next.value;
    next.goOn();
  }
  if ('error' in end) throw end.error;
}

/** The wanted attempts that these transitions end. Sealed texts are opened for these alone. */
function attemptsIn(
  { opener: { transition: show } }: LogReaderOptions,
  transitions: readonly LiveTransition[],
  test: LogTest,
): EndedAttempt[] {
  return transitions.flatMap((transition) => {
    const attempt = attemptIn(transition) === undefined ? undefined : attemptIn(show(transition));
    return attempt === undefined || !test.attempt(attempt) ? [] : [attempt];
  });
}

/** The stored output of an attempt; `undefined` without one, or when it cannot be read any more. The end of it is in the log. */
async function readWhole(
  large: LogReaderOptions['large'],
  { function: name, invocation, storedOutput }: EndedAttempt,
): Promise<string | undefined> {
  if (storedOutput === undefined) return undefined;
  const fetched = large.fetch({ function: name, invocation }, storedOutput.reference);
  return await fetched.catch(fallback(undefined, PayloadUnavailableError, KeyMissingError));
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
