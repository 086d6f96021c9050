import type { Session } from '#src/gateway/api/system/session-schemas.ts';
import { get, onSignedOut, request } from '../../api/http.ts';
import { t } from '../language.ts';
import { navigate, paths } from '../router.tsx';
import { createStore, useStore } from '../store.ts';

export const session = createStore<Session | undefined>(undefined);

/**
 * The attributes of a button that needs a role: disabled, with the reason as its title, when the session lacks the role. The gateway
 * refuses the call in any case.
 */
export function useRole(role: string): { disabled: boolean; title?: string } {
  const roles = useStore(session)?.roles;
  if (roles === undefined || roles.length === 0 || roles.includes(role) || roles.includes('admin')) return { disabled: false };
  return { disabled: true, title: t('This session lacks the role "{role}"', { role }) };
}

/** Reads the session. Opens the login page whenever the gateway answers that the caller is not signed in. */
export async function startSession(): Promise<void> {
  onSignedOut(() => void openLogin());
  const token = takeToken();
  await readSession();
  // The token of a link is used only without a session. Otherwise a link of another site could replace a user's session.
  if (token === undefined || session.get()?.signed_in !== false) return;
  await signIn(token).then(
    () => navigate(paths.invocations, { replace: true }),
    // The login page is shown already, and its form asks for a token.
    () => {},
  );
}

/** Takes the token out of the link that the terminal printed. It stays neither in the address nor in the browser's history. */
function takeToken(): string | undefined {
  const { pathname, search, hash } = location;
  const token = new URLSearchParams(hash.slice(1)).get('token');
  if (pathname !== paths.login || token === null) return undefined;
  navigate(pathname + search, { replace: true });
  return token;
}

/** Opens the login page. After the login the browser returns to the present page. */
async function openLogin(): Promise<void> {
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
    // The next request of the page fails likewise, and the page shows the reason.
    session.set(undefined);
  }
}

/** Starts a session. Throws `ApiError` when no credential has this token. */
export async function signIn(token: string): Promise<void> {
  await request('/api/session', { method: 'POST', body: { token } });
  await readSession();
}

/** Ends the session. Throws `ApiError` when the gateway does not answer; the session then continues. */
export async function signOut(): Promise<void> {
  await request('/api/session', { method: 'DELETE' });
  await readSession();
  navigate(paths.login);
}
