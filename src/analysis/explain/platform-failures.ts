import type { Failure } from '#machines/facts.ts';
import type { Moment } from '#src/analysis/history.ts';
import { isoTime, withFullStop } from '#src/analysis/phrases.ts';
import { say } from '#src/analysis/say.ts';
import type { Handler } from '#src/core/functions/definition.ts';
import type { HistoryPage, InvocationSummary, QueryOf } from '#src/core/history-questions.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';

/** The platform could not run the last attempts of an invocation: how often in a row, since when, and the last reason. */
export function latestPlatformFailures(moments: readonly Moment[]): { times: number; since: number; failure: Failure } | undefined {
  let found: { times: number; since: number; failure: Failure } | undefined;
  for (const { fact } of moments) {
    if (fact.type !== 'retrying') continue;
    if (fact.failure.kind !== 'platform') found = undefined;
    else found = { times: (found?.times ?? 0) + 1, since: found?.since ?? fact.at, failure: fact.failure };
  }
  return found;
}

/** The same in a sentence; `undefined` when the last attempt failed for another reason. */
export function platformInWords(moments: readonly Moment[], now: number): string | undefined {
  const found = latestPlatformFailures(moments);
  if (found === undefined) return undefined;
  const { times, since, failure } = found;
  const values = { time: isoTime(since), duration: formatDuration(now - since), message: failure.message };
  return withFullStop(
    times === 1
      ? say('The platform could not run it, once since {time} ({duration}): {message}', values)
      : say('The platform could not run it, {times} times in a row since {time} ({duration}): {message}', { times, ...values }),
  );
}

/** Whether the last attempt failed because the large payload of the invocation is missing or damaged (BIG3). */
export function lacksPayload(moments: readonly Moment[]): boolean {
  return latestPlatformFailures(moments)?.failure.errorType === 'PayloadUnavailable';
}

/** What a person can do when an invocation lacks its large payload. */
export function payloadRemedy(name: string): string {
  return say('restore the object store of the large payloads from a backup, or invoke it again: sequent invoke {name} -d @<file>', {
    name,
  });
}

/** What a person can do when the platform cannot run a function. */
export function platformRemedy(name: string, handler: Handler | undefined): string {
  switch (handler?.kind) {
    case 'subject':
      return say('start a responder on the subject {subject}', handler);
    case 'http':
      return say('start the endpoint {url}, or correct its address: sequent fn put {name} --url <url>', { url: handler.url, name });
    case 'inline':
      return say('start your own worker: startWorker() of sequent-functions/client');
    case 'process':
      return say('put {file} where the worker finds it: sequent fn put {name} --file <file>', { file: handler.file, name });
    case undefined:
      return say('"sequent fn get {name}" shows what the platform has to reach', { name });
  }
}

/** The invocations of one function that the platform cannot run. */
export type FailingPlatform = {
  function: string;
  invocations: number;
  /** Whether there are more than the counted invocations. */
  isAtLeast: boolean;
  /** The most failures of the platform of one of the invocations. */
  failures: number;
  /** When the first attempt of the oldest one started. */
  since: number;
  error: string;
};

/** A single failure may be that of a restart. */
const MIN_FAILURES = 3;
const MAX_ROWS = 500;

/** Reads which functions the platform cannot run now, by the read model. */
export async function readFailingPlatforms(
  list: (query: QueryOf<'list'>) => Promise<HistoryPage>,
  filter: Pick<QueryOf<'list'>, 'project' | 'function'> = {},
): Promise<FailingPlatform[]> {
  const query = { ...filter, state: ['retrying' as const, 'running' as const], minAttempts: MIN_FAILURES, limit: MAX_ROWS };
  const { invocations, cursor } = await list(query);
  const found = new Map<string, FailingPlatform>();
  for (const one of invocations) {
    const failures = platformFailuresOf(one);
    if (failures < MIN_FAILURES) continue;
    const since = one.startedAt ?? one.acceptedAt;
    const { function: name, error } = one;
    const known = found.get(name) ?? { function: name, invocations: 0, isAtLeast: cursor !== null, failures: 0, since, error: error ?? '' };
    found.set(name, {
      ...known,
      invocations: known.invocations + 1,
      failures: Math.max(known.failures, failures),
      since: Math.min(known.since, since),
    });
  }
  return [...found.values()].sort((one, other) => one.since - other.since);
}

/** Every attempt that ended without an outcome consumed a retry, or lost its worker, or was not run by the platform. */
function platformFailuresOf({ state, attempts, retries, lost }: InvocationSummary): number {
  return attempts - retries - lost - (state === 'running' ? 1 : 0);
}

/** The failures of the platform in words: which invocations, how many failures, since when. */
export function failingPlatformInWords({ invocations, isAtLeast, failures, since, error }: FailingPlatform, now: number): string {
  const number = invocations === 1 ? say('1 invocation') : say('{count} invocations', { count: invocations });
  return say('the platform cannot run {invocations}: up to {failures} failures of one since {time} ({duration}); {error}', {
    invocations: isAtLeast ? say('at least {number}', { number }) : number,
    failures,
    time: isoTime(since),
    duration: formatDuration(now - since),
    error,
  });
}
