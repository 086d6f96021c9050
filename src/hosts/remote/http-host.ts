import type { Failure } from '#machines/facts.ts';
import { messageOf } from '#src/core/errors.ts';
import { projectOf } from '#src/core/names/addressable.ts';
import type { Execution, ExecutionResult, ExecutionSignal, FunctionHost } from '#src/core/ports/function-host.ts';
import { aborted, failed, refusedByFunction, returned, timedOut, unavailable } from '#src/hosts/failures.ts';
import { hintsOf, MAX_RESULT_BYTES } from '#src/hosts/runtime/outcome.mjs';
import { eventOf, failureInAnswer, headersFor } from './remote-function.ts';

type Statuses = { temporary?: readonly string[] | undefined; final?: readonly string[] | undefined };
type Endpoint = { url: string; headers?: Record<string, string> | undefined; statuses?: Statuses | undefined };
/** The part of `fetch` that the host uses. */
export type Fetch = (
  url: string,
  init: { method: 'POST'; body: string; headers: Record<string, string>; redirect: 'manual'; signal: AbortSignal },
) => Promise<Response>;

/** The URL leads to an address that the function may not reach. No request was sent. */
export class EndpointRefusedError extends Error {}

/** The statuses of a temporary failure by default, which is not a failure of the function. */
const TEMPORARY_STATUSES = ['408', '425', '429', '502', '503', '504'];
const MAX_ERROR_BYTES = 4_096;

/**
 * Runs functions behind a URL by a POST of the event. Redirects are not followed.
 *
 * `own` sends the requests of the own project, and `others` those of all other projects. Each refuses the addresses that its projects may
 * not reach (U2).
 */
export function createHttpHost({ own, others }: { own: Fetch; others: Fetch }): FunctionHost {
  async function post(endpoint: Endpoint, execution: Execution, signal: ExecutionSignal): Promise<ExecutionResult> {
    const { timeoutInMs } = execution.definition;
    const request = new AbortController();
    let abortFailure: Failure | undefined;
    const abort = (failure: Failure) => {
      abortFailure = failure;
      request.abort();
    };
    const timer = setTimeout(() => abort(timedOut(timeoutInMs)), timeoutInMs);
    const onAbort = () => abort(aborted());
    signal.addEventListener('abort', onAbort);
    try {
      const send = projectOf(execution.definition.name) === undefined ? own : others;
      const response = await send(endpoint.url, {
        method: 'POST',
        body: eventOf(execution),
        headers: { ...endpoint.headers, 'content-type': 'application/json', ...headersFor(execution) },
        redirect: 'manual',
        signal: request.signal,
      });
      return await resultOfResponse(response, endpoint.statuses);
    } catch (error) {
      if (error instanceof EndpointRefusedError)
        return failed(refusedByFunction({ errorType: 'HandlerNotAllowed', message: `handler.url: ${error.message} (rule U2)` }));
      return failed(abortFailure ?? unavailable(`the endpoint cannot be reached: ${reasonOf(error)}`));
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  return {
    async execute(execution, signal) {
      const { handler } = execution.definition;
      if (handler.kind !== 'http') return failed(unavailable(`an HTTP host cannot run a handler of kind "${handler.kind}"`));
      return signal.aborted ? failed(aborted()) : post(handler, execution, signal);
    },
    async close() {},
  };
}

/** `statuses` are single ones, such as 409, and classes, such as 4xx. A single one counts before a class. */
function includesStatus(statuses: readonly string[], status: number): 'exactly' | 'by class' | undefined {
  if (statuses.includes(String(status))) return 'exactly';
  return statuses.includes(`${Math.floor(status / 100)}xx`) ? 'by class' : undefined;
}

/** Whether a failure is temporary, final, or one of the function. A status that is in both lists counts as the more exact list says. */
function kindOfStatus(status: number, { temporary = TEMPORARY_STATUSES, final = [] }: Statuses): 'temporary' | 'final' | 'of the function' {
  const [isTemporary, isFinal] = [includesStatus(temporary, status), includesStatus(final, status)];
  if (isTemporary === 'exactly' || (isTemporary !== undefined && isFinal === undefined)) return 'temporary';
  return isFinal === undefined ? 'of the function' : 'final';
}

async function resultOfResponse(response: Response, statuses: Statuses = {}): Promise<ExecutionResult> {
  if (response.ok) {
    const { text, isComplete, size } = await readBody(response, MAX_RESULT_BYTES);
    return isComplete ? returned(text) : returned('', '', Math.max(size, lengthOf(response)));
  }
  const answer = `the endpoint answered ${response.status} ${response.statusText}`.trimEnd();
  const kind = kindOfStatus(response.status, statuses);
  const retryAfter = response.headers.get('retry-after') ?? undefined;
  if (kind === 'temporary') {
    await response.body?.cancel();
    return failed({ ...unavailable(answer), ...hintsOf(undefined, retryAfter) });
  }
  const { text } = await readBody(response, MAX_ERROR_BYTES);
  const failure = failureInAnswer(text, { errorType: 'HttpError', message: answer, retryAfter });
  return failed(kind === 'final' ? { ...failure, retryable: false } : failure);
}

/** Reads at most `maxBytes` of the body. */
/** The length that an answer states; 0 without one. */
function lengthOf({ headers }: Response): number {
  const length = Number(headers.get('content-length') ?? 0);
  return Number.isSafeInteger(length) ? length : 0;
}

/** `size`: of the part that was read. */
async function readBody(response: Response, maxBytes: number): Promise<{ text: string; isComplete: boolean; size: number }> {
  if (response.body === null) return { text: '', isComplete: true, size: 0 };
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size > maxBytes) break;
  }
  const bytes = Buffer.concat(chunks);
  return { text: bytes.toString('utf8', 0, Math.min(size, maxBytes)), isComplete: size <= maxBytes, size };
}

/** The message of the cause, where `fetch` puts the reason. */
function reasonOf(error: unknown): string {
  return messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error);
}
