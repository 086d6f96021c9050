const here = 'http://gateway.invalid';

/** The page to open after the login. It is always a page of this gateway, whatever `next` contains. */
export function nextAfterLogin(next: string | null): string {
  if (next === null || !next.startsWith('/') || !URL.canParse(next, here)) return '/';
  // Browsers drop tabs and line ends and read a backslash as a slash. Only their own parser decides which origin an address has.
  const { origin, pathname, search } = new URL(next, here);
  return origin === here && pathname !== '/login' ? pathname + search : '/';
}
