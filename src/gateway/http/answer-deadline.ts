import type { Next } from 'hono';
import { matchedRoutes } from 'hono/route';
import type { Call, Gateway } from '../ports.ts';
import { HttpError } from './http-error.ts';

/** A caller gets an answer within ten seconds, whatever the log does. */
const ANSWER_WITHIN_MS = 9_500;
/** How long the log may take to show that it answers. */
const LOG_ANSWERS_WITHIN_MS = 2_000;
const ASK_AFTER_MS = ANSWER_WITHIN_MS - LOG_ANSWERS_WITHIN_MS;

/**
 * The routes whose own work may take longer: they wait for an event or an outcome, act on many invocations, read the whole log, run a query
 * of the caller, or store a package. Their time is bounded by what the caller asks for.
 */
export const longRoutes: ReadonlySet<string> = new Set([
  'POST /v2/:project/fgs/functions/:urn/invocations',
  'POST /v2/:project/fgs/functions',
  'PUT /v2/:project/fgs/functions/:urn/code',
  'POST /api/functions/:name/packages',
  'POST /api/cancel',
  'POST /api/redrive',
  'POST /api/dead-letters/dismiss',
  'POST /api/dead-letters/redrive',
  'POST /api/sql',
  'POST /api/verify',
]);
/** These ask and change nothing, although their method is POST. */
const askingRoutes: ReadonlySet<string> = new Set(['POST /api/sql', 'POST /api/verify']);

/**
 * Bounds the time until the answer to a call (LATE1):
 *
 * 1. A call without an answer after 9.5 s is answered: 503 when it only asks, and else 504, or 503 in the vendor's API, because a change
 *    that was sent may still happen. Both have `Retry-After`.
 * 2. A long route goes on while the log answers.
 * 3. The work of the call is not interrupted. It ends by the bounds of its own, and occupies its place in the limit of requests until then.
 */
export function answerInTime(call: Call, { work, client }: { work: Promise<void>; client: Pick<Gateway['client'], 'lastSequence'> }) {
  return new Promise<void>((resolve, reject) => {
    let isOver = false;
    let timer = setTimeout(askOrWait, ASK_AFTER_MS);

    function askOrWait(): void {
      if (!isLong(call)) timer = setTimeout(giveUp, LOG_ANSWERS_WITHIN_MS);
      else
        void logAnswers(client).then((answers) => {
          if (!answers) giveUp();
          else if (!isOver) timer = setTimeout(askOrWait, ASK_AFTER_MS);
        });
    }

    function giveUp(): void {
      // A late answer has no reader.
      work.then(
        () => call.res.body?.cancel().catch(() => {}),
        () => {},
      );
      reject(unanswered(call, `the log did not answer within ${ANSWER_WITHIN_MS / 1_000} s`));
    }

    work.then(resolve, reject).finally(() => {
      isOver = true;
      clearTimeout(timer);
    });
  });
}

/** Runs the rest of a call. Its answer may come after the one of the deadline. */
export async function restOf(next: Next, release: () => void): Promise<void> {
  try {
    await next();
  } finally {
    release();
  }
}

function routesOf(call: Call): string[] {
  return matchedRoutes(call).map(({ method, path }) => `${method} ${path}`);
}

function isLong(call: Call): boolean {
  return call.req.header('prefer') !== undefined || routesOf(call).some((route) => longRoutes.has(route));
}

function isAsking(call: Call): boolean {
  return call.req.method === 'GET' || call.req.method === 'HEAD' || routesOf(call).some((route) => askingRoutes.has(route));
}

async function logAnswers({ lastSequence }: Pick<Gateway['client'], 'lastSequence'>): Promise<boolean> {
  const answered = lastSequence().then(
    () => true,
    () => false,
  );
  return await new Promise((resolve) => {
    const timer = setTimeout(resolve, LOG_ANSWERS_WITHIN_MS, false);
    void answered.then(resolve).finally(() => clearTimeout(timer));
  });
}

/** The reply to a call whose answer the log owes. */
export function unanswered(call: Call, what: string, cause?: unknown): HttpError {
  if (isAsking(call)) return new HttpError({ status: 503, message: `${what}; repeat the request`, retryAfterInS: 1 }, { cause });
  const isVendors = call.req.path.startsWith('/v2/');
  const retryKey = call.req.header('idempotency-key');
  const message = `${what}; it is unknown whether the request was performed, and it may still be`;
  const repeat = { retryAfterInS: 1, ...(retryKey === undefined ? {} : { retryKey }) };
  return new HttpError({ status: isVendors ? 503 : 504, message, ...repeat }, { cause });
}
