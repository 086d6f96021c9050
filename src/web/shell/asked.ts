import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from '../api/http.ts';

/** What was asked of the gateway: nothing yet, an answer, a problem, or an answer that could not be renewed. */
export type Asked<Content> = { content: Content | undefined; problem: ApiError | undefined; isAsking: boolean; again: () => void };

/**
 * Asks when `key` changes, when told to, and, while somebody looks, every `everyMs`. The answer to an older question never
 * replaces that to a newer one; what cannot be renewed stays, beside the problem.
 */
export function useAsked<Content>(
  key: string,
  question: (signal: AbortSignal) => Promise<Content>,
  { everyMs }: { everyMs?: number } = {},
): Asked<Content> {
  const [answer, setAnswer] = useState<{ key: string; content?: Content; problem?: ApiError; isAsking: boolean }>({ key, isAsking: true });
  const latest = useRef(question);
  latest.current = question;
  const running = useRef<AbortController>(undefined);

  const again = useCallback(() => {
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    setAnswer((present) => (present.key === key ? { ...present, isAsking: true } : { key, isAsking: true }));
    latest.current(controller.signal).then(
      (content) => {
        if (!controller.signal.aborted) setAnswer({ key, content, isAsking: false });
      },
      (thrown: unknown) => {
        if (controller.signal.aborted) return;
        const problem = problemOf(thrown);
        setAnswer((present) => ({ ...(present.key === key ? present : {}), key, problem, isAsking: false }));
      },
    );
  }, [key]);

  useEffect(() => {
    again();
    const timer = everyMs === undefined ? undefined : setInterval(() => document.hidden || again(), everyMs);
    return () => {
      clearInterval(timer);
      running.current?.abort();
    };
  }, [again, everyMs]);
  const isPresent = answer.key === key;
  return {
    content: isPresent ? answer.content : undefined,
    problem: isPresent ? answer.problem : undefined,
    isAsking: answer.isAsking,
    again,
  };
}

export function problemOf(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  return new ApiError({ status: 0, detail: thrown instanceof Error ? thrown.message : String(thrown) }, { cause: thrown });
}
