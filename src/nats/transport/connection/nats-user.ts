import type { ConnectionOptions } from 'nats';

/** Describes the user of a connection by the name that the server's configuration has for it. */
export function userOf({ user, token, authenticator }: Pick<ConnectionOptions, 'user' | 'token' | 'authenticator'>): string {
  if (user !== undefined) return `user "${user}"`;
  if (token !== undefined) return 'the user of the token';
  const name = [authenticator ?? []].flat().map((authenticate) => nameIn(authenticate('') ?? {}))[0];
  return name === undefined ? 'the default user' : `user "${name}"`;
}

type Authentication = { user?: string; nkey?: string; jwt?: string; auth_token?: string };

function nameIn(authentication: Authentication): string | undefined {
  const { user, nkey, jwt = '' } = authentication;
  return claimedName(jwt) ?? user ?? nkey;
}

/** The name in the claims of a JWT. */
function claimedName(jwt: string): string | undefined {
  try {
    const claims = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()) as { name?: string };
    return claims.name;
  } catch {
    return undefined;
  }
}
