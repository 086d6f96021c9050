import { readdirSync, readFileSync } from 'node:fs';
import type { History } from '#src/analysis/history.ts';
import { foldGolden, type GoldenHistory } from '#src/cli/golden/golden-history.ts';
import type { FullLogEntry, RequestMessage } from '#src/core/log/event-log.ts';
import { foldAppends, initialState, wakeTimesOf } from '#src/core/stream/stream.ts';

const folder = new URL('../../histories/', import.meta.url);

/** The files of all versions: `<version>/<name>.json`. */
export const recordings = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.json'));

export function readGoldenFile(file: string): GoldenHistory {
  return JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as GoldenHistory;
}

/** One recorded stream with its messages. */
export function readRecording(file: string): { message: RequestMessage; entries: FullLogEntry[]; histories: History[] } {
  const { message, appends, histories } = foldGolden(readGoldenFile(file));
  const { sequence, at } = message;
  const entries: FullLogEntry[] = [{ kind: 'request', sequence, at, message }];
  for (const [index, append] of appends.entries()) {
    const { invocations } = foldAppends(initialState(message), appends.slice(0, index + 1));
    const wakeTimes = wakeTimesOf(invocations);
    entries.push({ kind: 'append', sequence: append.version, at: append.facts[0]?.at ?? at, name: message.name, append, wakeTimes });
  }
  return { message, entries, histories };
}
