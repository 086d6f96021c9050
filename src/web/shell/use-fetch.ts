import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from '../api/http.ts';

/** The state of a fetch. After a failed reload `content` is the last answer, and `problem` says why it is stale. */
export type Fetched<Content> = { content: Content | undefined; problem: ApiError | undefined; isLoading: boolean; reload: () => void };

/**
 * Fetches when `key` changes, when `reload` is called, and every `everyMs` milliseconds while the page is visible.
 *
 * A new fetch aborts the running one, so an older answer never replaces a newer one. A failed reload keeps the last content.
 */
export function useFetch<Content>(
  key: string,
  fetchContent: (signal: AbortSignal) => Promise<Content>,
  { everyMs }: { everyMs?: number } = {},
): Fetched<Content> {
  const [state, setState] = useState<{ key: string; content?: Content; problem?: ApiError; isLoading: boolean }>({ key, isLoading: true });
  const latest = useRef(fetchContent);
  latest.current = fetchContent;
  const running = useRef<AbortController>(undefined);

  const reload = useCallback(() => {
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    setState((present) => (present.key === key ? { ...present, isLoading: true } : { key, isLoading: true }));
    latest.current(controller.signal).then(
      (content) => {
        if (!controller.signal.aborted) setState({ key, content, isLoading: false });
      },
      (thrown: unknown) => {
        if (controller.signal.aborted) return;
        const problem = problemOf(thrown);
        setState((present) => ({ ...(present.key === key ? present : {}), key, problem, isLoading: false }));
      },
    );
  }, [key]);

  useEffect(() => {
    reload();
    const timer = everyMs === undefined ? undefined : setInterval(() => document.hidden || reload(), everyMs);
    return () => {
      clearInterval(timer);
      running.current?.abort();
    };
  }, [reload, everyMs]);
  const isCurrent = state.key === key;
  return {
    content: isCurrent ? state.content : undefined,
    problem: isCurrent ? state.problem : undefined,
    isLoading: state.isLoading,
    reload,
  };
}

/** The error as `ApiError`. Its status is 0 when the gateway did not answer. */
export function problemOf(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  return new ApiError({ status: 0, detail: thrown instanceof Error ? thrown.message : String(thrown) }, { cause: thrown });
}
