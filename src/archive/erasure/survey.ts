import {
  type ArchivedStream,
  addAppend,
  addRequest,
  createArchivedStream,
  isStreamSettled,
} from '#src/archive/retention/archived-stream.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import type { LogSource } from '#src/core/log/log-source.ts';
import { readUpTo } from '#src/core/log/read-up-to.ts';
import { streamKey } from '#src/core/names/ids.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { isPlainStream } from './plain-requests.ts';

export type SurveyOptions = {
  function: string;
  /** Accepted before this time, in milliseconds since the epoch. */
  before: number;
  only?: 'plain-requests' | undefined;
  /** Finished by this sequence; by default, by the end of the log. */
  until?: number;
  /** The end of the read part. A stream with messages between `until` and `to` is not covered. */
  to?: number;
  signal: AbortSignal;
};

/** The messages that an erasure covers. */
export type Survey = {
  invocations: number;
  messages: number;
  until: number;
  /** The sequences of all messages, in order. */
  sequences: number[];
  /** The ids of the requests. */
  requests: string[];
};

/** Finds the finished streams of a function, by the rule of `Erasure`, which the read models follow too. */
export async function survey(log: LogSource, { function: fn, before, only, signal, ...options }: SurveyOptions): Promise<Survey> {
  const to = options.to ?? (await log.state()).last;
  const until = options.until ?? to;
  const streams = new Map<string, ArchivedStream>();
  await readUpTo(log, { from: 1, to, clock: systemClock, signal }, ({ content }) => foldEntry(streams, fn, content));
  const found: Survey = { invocations: 0, messages: 0, until, sequences: [], requests: [] };
  for (const stream of streams.values()) {
    const { sequences, invocations } = stream;
    if (!isCovered(stream, { before, until, only })) continue;
    found.invocations += invocations.size;
    for (const sequence of sequences) found.sequences.push(sequence);
    for (const id of invocations.keys()) found.requests.push(id);
  }
  found.sequences.sort((one, other) => one - other);
  found.messages = found.sequences.length;
  return found;
}

function isCovered(stream: ArchivedStream, { before, until, only }: Pick<SurveyOptions, 'before' | 'only'> & { until: number }): boolean {
  if (stream.acceptedAt >= before || (stream.sequences.at(-1) ?? 0) > until || !isStreamSettled(stream)) return false;
  return only === undefined || isPlainStream(stream);
}

function foldEntry(streams: Map<string, ArchivedStream>, fn: string, entry: FullLogEntry): void {
  if (entry.kind === 'request') {
    const { name } = entry.message;
    if (name.function !== fn) return;
    const known = streams.get(streamKey(name));
    if (known === undefined) streams.set(streamKey(name), createArchivedStream(entry));
    else addRequest(known, entry);
  } else if (entry.kind === 'append') {
    const stream = entry.name.function === fn ? streams.get(streamKey(entry.name)) : undefined;
    if (stream !== undefined) addAppend(stream, entry);
  }
}
