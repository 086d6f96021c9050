import { randomBytes } from 'node:crypto';
import { type Credential, readCredentials, withToken } from '#src/gateway/auth/credentials.ts';
import type { Configuration } from '#src/main/config/configuration.ts';

/** Who may call over HTTP. Without credentials, every user and process of this machine may. */
export type Callers = {
  credentials: readonly Credential[];
  /** The file of the credentials, if they are in one. */
  file?: string;
  localToken: string | undefined;
};

/** Reads the credentials, or creates the token of `--local-token auto`. The token is printed and never written to a file. */
export function callersOf(configuration: Configuration): Callers {
  const { credentials: file, localToken: wanted, project = 'default' } = configuration;
  if (file !== undefined) return { credentials: readCredentials(file, configuration), file, localToken: undefined };
  if (wanted === 'off') return { credentials: [], localToken: undefined };
  const localToken = randomBytes(32).toString('base64url');
  return { credentials: [withToken(project, localToken)], localToken };
}

/** A link that signs a browser in. Browsers do not send the fragment, so the token reaches no log and no proxy. */
export function loginLink(url: string, token: string): string {
  return `${url}/login#token=${token}`;
}
