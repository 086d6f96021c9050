import type { Problem } from '#src/gateway/api/schemas/common.ts';
import type { Session } from '#src/gateway/api/schemas/session.ts';

/** What the gateway refused, in its own words. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly errors: NonNullable<Problem['errors']>;

  constructor({ status, code = '', detail, errors = [] }: Partial<Problem> & { status: number; detail: string }, options?: ErrorOptions) {
    super(detail, options);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.errors = errors;
  }
}

export type Order = {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
};
export type Answer<Content> = { content: Content; etag: string | null };

let onSignedOut = (): void => {};
/** Who is told when the gateway does not know the caller any more. */
export function whenSignedOut(told: () => void): void {
  onSignedOut = told;
}

/** A stream that is refused does not say why: asks whether that is because the session is over, and if so tells it. */
export async function checkSession(): Promise<void> {
  const session = await get<Session>('/api/session').catch(() => undefined);
  if (session !== undefined && !session.is_open && !session.signed_in) onSignedOut();
}

/** Asks the gateway. Throws `ApiError`: with status 0 when it cannot be reached. */
export async function ask<Content>(path: string, order: Order = {}): Promise<Answer<Content>> {
  const { method = 'GET', body, headers = {}, signal } = order;
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      credentials: 'same-origin',
      headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new ApiError({ status: 0, detail: 'The gateway does not answer. Is Sequent running? "npm start" starts it.' }, { cause });
  }
  const text = await response.text();
  const content = parse(text);
  if (response.ok) return { content: content as Content, etag: response.headers.get('etag') };
  if (response.status === 401 && !path.startsWith('/api/session')) onSignedOut();
  const problem = (typeof content === 'object' && content !== null ? content : {}) as Partial<Problem>;
  throw new ApiError({ ...problem, status: response.status, detail: problem.detail ?? `The gateway answered ${response.status}.` });
}

export async function get<Content>(path: string, signal?: AbortSignal): Promise<Content> {
  return (await ask<Content>(path, signal === undefined ? {} : { signal })).content;
}

export async function post<Content>(path: string, body?: unknown): Promise<Content> {
  return (await ask<Content>(path, { method: 'POST', ...(body === undefined ? {} : { body }) })).content;
}

function parse(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A path with a query; what is empty is left out. */
export function withQuery(path: string, query: Readonly<Record<string, string | number | undefined>>): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  if (pairs.length === 0) return path;
  return `${path}?${new URLSearchParams(pairs.map(([key, value]): [string, string] => [key, String(value)]))}`;
}
