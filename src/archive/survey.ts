import type { FullLogEntry } from '#src/core/log/event-log.ts';
import type { LogSource } from '#src/core/log/log-source.ts';
import { streamKey } from '#src/core/log/stream-key.ts';
import { addAppend, addRequest, bornStream, isOver, type StreamLives } from './stream-lives.ts';

export type SurveyOptions = {
  function: string;
  before: number;
  /** Finished by this sequence: the end of the log when none is given. */
  until?: number;
  /** Where to stop reading: a stream that has messages between `until` and here is left alone. */
  to?: number;
  signal: AbortSignal;
};

/** What an erasure is about. */
export type Survey = {
  invocations: number;
  messages: number;
  until: number;
  /** Of all messages, in order. */
  sequences: number[];
  /** The ids of the requests. */
  requests: string[];
};

/** Finds the finished streams of a function: the rule of {@link Erasure}, which the read models follow too. */
export async function survey(log: LogSource, { function: fn, before, signal, ...options }: SurveyOptions): Promise<Survey> {
  const to = options.to ?? (await log.state()).last;
  const until = options.until ?? to;
  const streams = new Map<string, StreamLives>();
  await readTo(log, { last: to, signal }, (entry) => take(streams, fn, entry));
  const found: Survey = { invocations: 0, messages: 0, until, sequences: [], requests: [] };
  for (const stream of streams.values()) {
    const { sequences, lives, acceptedAt } = stream;
    if (acceptedAt >= before || (sequences.at(-1) ?? 0) > until || !isOver(stream)) continue;
    found.invocations += lives.size;
    for (const sequence of sequences) found.sequences.push(sequence);
    for (const id of lives.keys()) found.requests.push(id);
  }
  found.sequences.sort((one, other) => one - other);
  found.messages = found.sequences.length;
  return found;
}

function take(streams: Map<string, StreamLives>, fn: string, entry: FullLogEntry): void {
  if (entry.kind === 'request') {
    const { name } = entry.message;
    if (name.function !== fn) return;
    const known = streams.get(streamKey(name));
    if (known === undefined) streams.set(streamKey(name), bornStream(entry));
    else addRequest(known, entry);
  } else if (entry.kind === 'append') {
    const stream = entry.name.function === fn ? streams.get(streamKey(entry.name)) : undefined;
    if (stream !== undefined) addAppend(stream, entry);
  }
}

type Reading = { last: number; signal: AbortSignal };

async function readTo(log: LogSource, { last, signal }: Reading, onEntry: (entry: FullLogEntry) => void): Promise<void> {
  if ((await log.firstFrom(1)) === undefined) return;
  const enough = new AbortController();
  signal.addEventListener('abort', () => enough.abort(), { once: true });
  await log.follow(
    1,
    (entry) => {
      if (enough.signal.aborted) return;
      if (entry.sequence <= last) onEntry(entry.content);
      if (entry.sequence >= last) enough.abort();
    },
    enough.signal,
  );
}
