import type { ComponentChildren } from 'preact';
import { withQuery } from '../api/http.ts';
import { createStore, useStore } from './store.ts';

/** The address that the page shows: its path and its query. */
export type Location = { path: string; query: URLSearchParams };

const current = createStore<Location>(read());

function read(): Location {
  return { path: location.pathname, query: new URLSearchParams(location.search) };
}

export function startRouter(): void {
  addEventListener('popstate', () => current.set(read()));
}

export function useLocation(): Location {
  return useStore(current);
}

/** Opens another page. With `replace` the new address replaces the present entry of the browser's history. */
export function navigate(to: string, { replace = false }: { replace?: boolean } = {}): void {
  if (replace) history.replaceState(null, '', to);
  else {
    history.pushState(null, '', to);
    scrollTo(0, 0);
  }
  current.set(read());
}

/** Changes parameters of the present page's query. An empty value removes its parameter. */
export function changeQuery(changes: Readonly<Record<string, string | undefined>>, { replace = true } = {}): void {
  const { path, query } = read();
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined || value === '') query.delete(key);
    else query.set(key, value);
  }
  const text = query.toString();
  navigate(text === '' ? path : `${path}?${text}`, { replace });
}

type LinkProps = {
  to: string;
  children: ComponentChildren;
  class?: string;
  title?: string;
  'aria-label'?: string;
  'aria-current'?: 'page' | undefined;
};

export function Link({ to, children, ...rest }: LinkProps) {
  return (
    <a href={to} onClick={(event) => follow(event, to)} {...rest}>
      {children}
    </a>
  );
}

/** Follows a link without a page load. A click with a modifier key stays with the browser: it opens a tab or a window. */
export function follow(event: MouseEvent, to: string): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  navigate(to);
}

export const paths = {
  invocations: '/',
  /** Several functions may have an invocation of this id, so a link names the function wherever it is known (ID1). */
  invocation: (id: string, owner?: string): string => withQuery(`/invocations/${encodeURIComponent(id)}`, { function: owner }),
  functions: '/functions',
  newFunction: '/functions?new',
  function: (name: string): string => `/functions/${encodeURIComponent(name)}`,
  schedules: '/schedules',
  batches: '/batches',
  /** Several functions may have a batch of this id (ID1). */
  batch: (id: string, owner?: string): string => withQuery(`/batches/${encodeURIComponent(id)}`, { function: owner }),
  deadLetters: '/dead-letters',
  system: '/system',
  login: '/login',
};
