import type { Session } from '#src/gateway/api/schemas/session.ts';
import { ask, get, whenSignedOut } from '../api/http.ts';
import { navigate, paths } from './router.tsx';
import { createStore } from './store.ts';

export const session = createStore<Session | undefined>(undefined);

/** Asks who is calling, and leads to the login when the gateway wants to know and does not. */
export async function startSession(): Promise<void> {
  whenSignedOut(() => void leave());
  await readSession();
}

/** To the login, and back from there to what was looked at. */
async function leave(): Promise<void> {
  const { pathname, search } = location;
  if (pathname === paths.login) return;
  const wasSignedIn = session.get()?.signed_in === true;
  const query = new URLSearchParams({ next: pathname + search, ...(wasSignedIn ? { ended: '' } : {}) });
  navigate(`${paths.login}?${query}`, { replace: true });
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

/** Throws `ApiError` when the gateway does not answer: then the session goes on. */
export async function signOut(): Promise<void> {
  await ask('/api/session', { method: 'DELETE' });
  await readSession();
  navigate(paths.login);
}
