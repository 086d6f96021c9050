import type { Session } from '#src/gateway/api/schemas/session.ts';
import { ask, get, whenSignedOut } from '../api/http.ts';
import { navigate, paths } from './router.tsx';
import { createStore } from './store.ts';

export const session = createStore<Session | undefined>(undefined);

/** Asks who is calling, and leads to the login when the gateway wants to know and does not. */
export async function startSession(): Promise<void> {
  whenSignedOut(() => void leave());
  const token = takeToken();
  await readSession();
  // A link signs in only where no session is: another site must not exchange the session of a user by a link.
  if (token === undefined || session.get()?.signed_in !== false) return;
  await signIn(token).then(
    () => navigate(paths.invocations, { replace: true }),
    // The form is on the page already, and asks for a token.
    () => {},
  );
}

/** The token of the link that the terminal printed. It does not stay in the address, nor in the history of the browser. */
function takeToken(): string | undefined {
  const { pathname, search, hash } = location;
  const token = new URLSearchParams(hash.slice(1)).get('token');
  if (pathname !== paths.login || token === null) return undefined;
  navigate(pathname + search, { replace: true });
  return token;
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
