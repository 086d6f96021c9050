import { readFileSync } from 'node:fs';
import { type Authenticator, credsAuthenticator, nkeyAuthenticator } from 'nats';
import { InvalidInputError, messageOf } from '#src/core/errors.ts';
import type { NatsOptions } from './connection.ts';

export type CredentialFiles = {
  /** A file with a JWT and its seed. */
  credsFile?: string | undefined;
  /** A file with the seed of an nkey. */
  nkeyFile?: string | undefined;
};

/** Returns the options of the NATS client for an address. Throws `InvalidInputError` when a file of credentials cannot be read. */
export function natsOptionsOf({ credsFile, nkeyFile, ...options }: NatsOptions & CredentialFiles): NatsOptions {
  const authenticator = authenticatorOf({ credsFile, nkeyFile });
  return authenticator === undefined ? options : { ...options, authenticator };
}

function authenticatorOf({ credsFile, nkeyFile }: CredentialFiles): Authenticator | undefined {
  if (credsFile !== undefined) return credsAuthenticator(readCredentials(credsFile));
  if (nkeyFile === undefined) return undefined;
  const seed = new TextDecoder().decode(readCredentials(nkeyFile)).trim();
  return nkeyAuthenticator(new TextEncoder().encode(seed));
}

function readCredentials(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new InvalidInputError({ field: `the credentials file ${file}`, problem: `cannot be read: ${messageOf(cause)}` }, { cause });
  }
}
