import { ask, get, whenSignedOut } from '../api/http.ts';
import { navigate, paths } from './router.tsx';
import { createStore } from './store.ts';

export type Session = { project: string; is_open: boolean; signed_in: boolean; version: string };

export const session = createStore<Session | undefined>(undefined);

/** Asks who is calling, and leads to the login when the gateway wants to know and does not. */
export async function startSession(): Promise<void> {
  whenSignedOut(() => {
    if (location.pathname === paths.login) return;
    navigate(`${paths.login}?next=${encodeURIComponent(location.pathname + location.search)}`, { replace: true });
  });
  await readSession();
}

async function readSession(): Promise<void> {
  try {
    session.set(await get<Session>('/api/session'));
  } catch {
    // Whatever the page asks next says why.
    session.set(undefined);
  }
}

/** Throws `ApiError` when the token is not known. */
export async function signIn(token: string): Promise<void> {
  await ask('/api/session', { method: 'POST', body: { token } });
  await readSession();
}

export async function signOut(): Promise<void> {
  await ask('/api/session', { method: 'DELETE' });
  await readSession();
  navigate(paths.login);
}

/** Where to go after the login: a page of ours, whatever the address says. */
export function nextAfterLogin(next: string | null): string {
  return next !== null && /^\/(?![/\\])/.test(next) && !next.startsWith(paths.login) ? next : paths.invocations;
}
