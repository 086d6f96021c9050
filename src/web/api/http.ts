import type { Problem } from '#src/gateway/api/common-schemas.ts';
import type { Session } from '#src/gateway/api/system/session-schemas.ts';
import { language, t } from '../shell/language.ts';

/** A refusal by the gateway, with its own message. Status 0 means that the gateway did not answer. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly errors: NonNullable<Problem['errors']>;
  /** The functions that have an invocation of the asked id. */
  readonly functions: readonly string[];

  constructor(problem: Partial<Problem> & { status: number; detail: string }, options?: ErrorOptions) {
    const { status, code = '', detail, errors = [], functions = [] } = problem;
    super(detail, options);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.errors = errors;
    this.functions = functions;
  }
}

export type RequestOptions = {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  body?: unknown;
  /** A body that is JSON text already, and is sent as it is: its numbers may be beyond 2^53. */
  text?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
};
export type ApiResponse<Content> = { content: Content; etag: string | null };

let notifySignedOut = (): void => {};
/** Sets the function that is called when the gateway answers that the caller is not signed in. */
export function onSignedOut(listener: () => void): void {
  notifySignedOut = listener;
}

/**
 * Checks whether the session has ended, and calls the listener of `onSignedOut` if so. Needed after a refused event stream, because
 * the browser hides the status of the refusal.
 */
export async function checkSession(): Promise<void> {
  const session = await get<Session>('/api/session').catch(() => undefined);
  if (session !== undefined && !session.is_open && !session.signed_in) notifySignedOut();
}

/** Sends a request to the gateway. Throws `ApiError` when the gateway refuses it or cannot be reached. */
export async function request<Content>(path: string, options: RequestOptions = {}): Promise<ApiResponse<Content>> {
  const { method = 'GET', headers = {}, signal } = options;
  const sent = sentBody(options);
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      credentials: 'same-origin',
      headers: { 'Accept-Language': language.get(), ...(sent === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
      ...(sent === undefined ? {} : { body: sent }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new ApiError({ status: 0, detail: t('The gateway does not answer. Is Sequent running? "npm start" starts it.') }, { cause });
  }
  const text = await response.text();
  const content = parse(text);
  if (response.ok) return { content: content as Content, etag: response.headers.get('etag') };
  if (response.status === 401 && !path.startsWith('/api/session')) notifySignedOut();
  const problem = (typeof content === 'object' && content !== null ? content : {}) as Partial<Problem>;
  throw new ApiError({
    ...problem,
    status: response.status,
    detail: problem.detail ?? t('The gateway answered {status}.', { status: response.status }),
  });
}

/** `undefined` without a body: `JSON.stringify` returns it, too. */
function sentBody({ body, text }: RequestOptions): string | undefined {
  return text ?? (JSON.stringify(body) as string | undefined);
}

export async function get<Content>(path: string, signal?: AbortSignal): Promise<Content> {
  return (await request<Content>(path, signal === undefined ? {} : { signal })).content;
}

export async function post<Content>(path: string, body?: unknown): Promise<Content> {
  return (await request<Content>(path, { method: 'POST', ...(body === undefined ? {} : { body }) })).content;
}

function parse(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Adds a query to a path. Empty and undefined values are left out. */
export function withQuery(path: string, query: Readonly<Record<string, string | number | undefined>>): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  if (pairs.length === 0) return path;
  return `${path}?${new URLSearchParams(pairs.map(([key, value]): [string, string] => [key, String(value)]))}`;
}
