const here = 'http://gateway.invalid';

/** Where to go after the login: a page of ours, whatever the address says. */
export function nextAfterLogin(next: string | null): string {
  if (next === null || !next.startsWith('/') || !URL.canParse(next, here)) return '/';
  // A browser leaves out tabs and line ends, and takes a backslash for a slash: it alone says where this leads.
  const { origin, pathname, search } = new URL(next, here);
  return origin === here && pathname !== '/login' ? pathname + search : '/';
}
