import { readFileSync } from 'node:fs';
import { credsAuthenticator } from 'nats';
import { InvalidInputError, messageOf } from '#src/core/errors.ts';
import type { NatsOptions } from './connection.ts';

type Address = {
  servers: string[];
  user?: string;
  pass?: string;
  token?: string;
  credsFile?: string;
  tls?: { caFile?: string; certFile?: string; keyFile?: string };
};

/** Returns the options of the NATS client for an address. Throws `InvalidInputError` when the credentials file cannot be read. */
export function natsOptionsOf({ servers, user, pass, token, credsFile, tls }: Address): NatsOptions {
  return {
    servers,
    ...(user === undefined ? {} : { user }),
    ...(pass === undefined ? {} : { pass }),
    ...(token === undefined ? {} : { token }),
    ...(tls === undefined ? {} : { tls }),
    ...(credsFile === undefined ? {} : { authenticator: credsAuthenticator(readCredentials(credsFile)) }),
  };
}

function readCredentials(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new InvalidInputError({ field: `the credentials file ${file}`, problem: `cannot be read: ${messageOf(cause)}` }, { cause });
  }
}
