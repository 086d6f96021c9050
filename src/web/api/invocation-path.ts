import { withQuery } from './http.ts';

/** An invocation as the API looks it up (ID1): without the function, an id that several functions have is refused. */
export type InvocationName = { id: string; function: string | undefined };

/** The path of an invocation in the API, or of one of its parts, such as `/tree`. */
export function invocationPath({ id, function: owner }: InvocationName, part = '', query: Readonly<Record<string, string>> = {}): string {
  return withQuery(`/api/invocations/${encodeURIComponent(id)}${part}`, { ...query, function: owner });
}
