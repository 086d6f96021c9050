import type { ComponentChildren } from 'preact';
import { createStore, useStore } from './store.ts';

export type Place = { path: string; query: URLSearchParams };

const place = createStore<Place>(read());

function read(): Place {
  return { path: location.pathname, query: new URLSearchParams(location.search) };
}

export function startRouter(): void {
  addEventListener('popstate', () => place.set(read()));
}

export function usePlace(): Place {
  return useStore(place);
}

/** Goes to another page, or with `replace` changes the address of this one. */
export function navigate(to: string, { replace = false }: { replace?: boolean } = {}): void {
  if (replace) history.replaceState(null, '', to);
  else {
    history.pushState(null, '', to);
    scrollTo(0, 0);
  }
  place.set(read());
}

/** Changes some of the query of the present page; an empty value leaves it out. */
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

/** Another tab, another window and a download stay the browser's. */
export function follow(event: MouseEvent, to: string): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  navigate(to);
}

export const paths = {
  invocations: '/',
  invocation: (id: string): string => `/invocations/${encodeURIComponent(id)}`,
  functions: '/functions',
  function: (name: string): string => `/functions/${encodeURIComponent(name)}`,
  deadLetters: '/dead-letters',
  system: '/system',
  login: '/login',
};
