import type { Call } from '#src/gateway/ports.ts';
import { HttpError } from './http-error.ts';
import { memoizeByText } from './memoize.ts';

/** The path and the query as the client sent them. The URL of a request is not: its parser resolves the segments `.` and `..`. */
export function sentTargetOf(call: Call): { path: string; query: string } {
  const sent = call.env?.incoming?.url ?? call.req.url;
  const target = sent.startsWith('/') ? sent : sent.slice(Math.max(0, sent.indexOf('/', sent.indexOf('://') + 3)));
  const queryAt = target.indexOf('?');
  return queryAt < 0 ? { path: target, query: '' } : { path: target.slice(0, queryAt), query: target.slice(queryAt + 1) };
}

/**
 * Refuses a path that climbs by `..`, raw or percent-encoded once or twice, that has an empty segment or an encoded slash, and a path or a query
 * that cannot be decoded: throws `HttpError` 400. Proxies resolve each of these forms differently, so each is refused alike.
 *
 * Such a request reaches no route and no check of a credential, because these would read another path than the client sent.
 */
export function checkTarget(call: Call): void {
  const { path, query } = sentTargetOf(call);
  const problem = problemOfPath(path) || problemOfQuery(query);
  if (problem !== '') throw new HttpError({ status: 400, message: problem });
}

/** Memoized, because callers repeat few paths. */
const problemOfPath = memoizeByText((path) => {
  const decoded = decode(path);
  if (decoded === undefined) return 'a segment of the path cannot be decoded: a percent sign must begin the code of UTF-8 text';
  if (climbs(decoded) || climbs(decode(decoded) ?? '')) return 'the path contains the segment ".."';
  if (path.includes('//')) return 'the path contains an empty segment';
  return /%(?:2f|5c)/i.test(path) ? 'a segment of the path contains an encoded slash' : '';
});

/** Some servers cut a segment at its semicolon. */
function climbs(path: string): boolean {
  return /(?:^|[/\\])\.\.(?:[/\\;]|$)/.test(path);
}

function problemOfQuery(query: string): string {
  if (!query.includes('%') || decode(query) !== undefined) return '';
  return 'the query cannot be decoded: a percent sign must begin the code of UTF-8 text';
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
