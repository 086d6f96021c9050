import { randomBytes } from 'node:crypto';
import { type Credential, readCredentials, withToken } from '#src/gateway/auth/credentials.ts';
import type { Configuration } from '#src/main/config/configuration.ts';

/** Who may call over HTTP. Without credentials, every process and every user of this machine. */
export type Callers = { credentials: readonly Credential[]; localToken: string | undefined };

/** Reads the credentials, or makes the token of `--local-token auto`: this process prints it, and no file holds it. */
export function callersOf(configuration: Configuration): Callers {
  const { credentials: file, localToken: wanted, project = 'default' } = configuration;
  if (file !== undefined) return { credentials: readCredentials(file, configuration), localToken: undefined };
  if (wanted === 'off') return { credentials: [], localToken: undefined };
  const localToken = randomBytes(32).toString('base64url');
  return { credentials: [withToken(project, localToken)], localToken };
}

/** The address of the pages that signs a browser in. A browser sends no fragment, so no log and no proxy sees the token. */
export function loginLink(url: string, token: string): string {
  return `${url}/login#token=${token}`;
}
