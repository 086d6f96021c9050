import { readFileSync } from 'node:fs';
import { type Authenticator, credsAuthenticator, nkeyAuthenticator } from 'nats';
import { InvalidInputError, messageOf } from '#src/core/errors.ts';
import type { NatsOptions } from './connection.ts';

type Address = {
  servers: string[];
  user?: string;
  pass?: string;
  token?: string;
  credsFile?: string;
  nkeyFile?: string;
  tls?: { caFile?: string; certFile?: string; keyFile?: string; handshakeFirst?: boolean };
  domain?: string;
  inboxPrefix?: string;
};

/** Returns the options of the NATS client for an address. Throws `InvalidInputError` when a file of credentials cannot be read. */
export function natsOptionsOf({ credsFile, nkeyFile, ...options }: Address): NatsOptions {
  const authenticator = authenticatorOf({ credsFile, nkeyFile });
  return authenticator === undefined ? options : { ...options, authenticator };
}

function authenticatorOf({
  credsFile,
  nkeyFile,
}: {
  credsFile: string | undefined;
  nkeyFile: string | undefined;
}): Authenticator | undefined {
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
