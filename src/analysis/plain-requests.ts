import { NOT_ENCRYPTED } from '#src/core/encryption/sealed-text.ts';
import type { HistoryPage, QueryOf } from '#src/core/history-questions.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { isoTime } from './phrases.ts';
import { say } from './say.ts';

/** A project that encrypts its payloads; `undefined` names the own project. */
export type EncryptingProject = { project: string | undefined; since: number };

/** The requests of a function that came in plain text, and were refused because its project encrypts payloads (ENC6). */
export type PlainRequests = { function: string; requests: number; isAtLeast: boolean; latest: number };

const MAX_ROWS = 500;

/** Reads, by the read model, which requests were refused in plain text. Their payloads are in the log until they are erased. */
export async function readPlainRequests(
  list: (query: QueryOf<'list'>) => Promise<HistoryPage>,
  projects: readonly EncryptingProject[],
): Promise<PlainRequests[]> {
  const found = new Map<string, PlainRequests>();
  for (const { project = '', since } of projects) {
    const { invocations, cursor } = await list({ project, since, condition: ['InvalidRequest'], limit: MAX_ROWS });
    for (const { function: name, acceptedAt, error } of invocations) {
      if (error?.includes(NOT_ENCRYPTED) !== true) continue;
      const known = found.get(name) ?? { requests: 0, latest: 0 };
      const latest = Math.max(known.latest, acceptedAt);
      found.set(name, { function: name, requests: known.requests + 1, isAtLeast: cursor !== null, latest });
    }
  }
  return [...found.values()];
}

export function plainRequestsInWords({ requests, isAtLeast, latest }: PlainRequests, now: number): string {
  const number = requests === 1 ? say('1 request') : say('{count} requests', { count: requests });
  return say(
    '{requests} came in plain text although the project encrypts payloads, and ended without an attempt; the log holds the text (the last one {time}, {duration} ago)',
    {
      requests: isAtLeast ? say('at least {number}', { number }) : number,
      time: isoTime(latest),
      duration: formatDuration(now - latest),
    },
  );
}

export function plainRequestsRemedy(name: string): string {
  return say(
    'send requests over HTTP, or by clients with the keys; the janitor erases them, or at once: sequent purge --function {name} --plain-requests --before 0s',
    { name },
  );
}
