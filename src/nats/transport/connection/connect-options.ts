import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { type Authenticator, credsAuthenticator } from 'nats';
import { InvalidInputError, messageOf } from '#src/core/errors.ts';
import type { NatsOptions } from './connection.ts';
import { proofOf, publicNkeyOf } from './nkey.ts';

export type CredentialFiles = {
  /** A file with a JWT and its seed. */
  credsFile?: string | undefined;
  /** A file with the seed of an nkey. */
  nkeyFile?: string | undefined;
};

/**
 * Returns the options of the NATS client for an address. Throws `InvalidInputError` when a file of credentials or of TLS cannot be used.
 *
 * Every later connection reads the files again, so a reconnection uses replaced files. A file that cannot be used then is ignored: the
 * content before stays in use.
 */
export function natsOptionsOf({ credsFile, nkeyFile, ...options }: NatsOptions & CredentialFiles): NatsOptions {
  const authenticator = authenticatorOf({ credsFile, nkeyFile });
  const { tls } = options;
  return {
    ...options,
    ...(authenticator === undefined ? {} : { authenticator }),
    ...(tls === undefined || tls === null ? {} : { tls: tlsOf(tls) }),
  };
}

function authenticatorOf({ credsFile, nkeyFile }: CredentialFiles): Authenticator | undefined {
  if (credsFile !== undefined) {
    const current = newest(() => readCreds(credsFile));
    return (nonce) => current()(nonce);
  }
  if (nkeyFile === undefined) return undefined;
  const current = newest(() => readNkey(nkeyFile));
  return (nonce) => current()(nonce);
}

function readCreds(file: string): Authenticator {
  const authenticator = credsAuthenticator(read('the credentials file', file));
  usable(`the credentials file ${file}`, 'holds no JWT with its seed', () => authenticator('nonce'));
  return authenticator;
}

function readNkey(file: string): Authenticator {
  const seed = read('the credentials file', file).toString().trim();
  usable(`the credentials file ${file}`, 'holds no seed of an nkey', () => publicNkeyOf(seed));
  return (nonce) => proofOf(seed, nonce);
}

type TlsContents = { ca?: string; cert?: string; key?: string };

/** The client takes the contents from these fields at every connection, and `cert` first: this field reads all files, so that they match. */
function tlsOf({ caFile, certFile, keyFile, ...options }: NonNullable<NatsOptions['tls']>): NonNullable<NatsOptions['tls']> {
  if ([caFile, certFile, keyFile].every((file) => file === undefined)) return options;
  const current = newest(() => readTls({ caFile, certFile, keyFile }));
  let used: TlsContents = {};
  const fields = {
    get cert() {
      used = current();
      return used.cert;
    },
    get ca() {
      return used.ca;
    },
    get key() {
      return used.key;
    },
  };
  // A spread would read the fields now.
  return Object.defineProperties({ ...options }, Object.getOwnPropertyDescriptors(fields)) as NonNullable<NatsOptions['tls']>;
}

function readTls({ caFile, certFile, keyFile }: { [Name in 'caFile' | 'certFile' | 'keyFile']: string | undefined }): TlsContents {
  const text = (file: string): string => read('the TLS file', file).toString();
  const contents = {
    ...(caFile === undefined ? {} : { ca: text(caFile) }),
    ...(certFile === undefined ? {} : { cert: text(certFile) }),
    ...(keyFile === undefined ? {} : { key: text(keyFile) }),
  };
  const files = [caFile, certFile, keyFile].filter((file) => file !== undefined).join(', ');
  usable(`the TLS files of NATS (${files})`, 'cannot be used', () => createSecureContext(contents));
  return contents;
}

/** Reads now, and again at every call. A later read that fails returns the value before. */
function newest<Value>(readNow: () => Value): () => Value {
  let value = readNow();
  return () => {
    try {
      value = readNow();
    } catch {
      // The watch on the file reports why (FILE2).
    }
    return value;
  };
}

function read(what: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new InvalidInputError({ field: `${what} ${file}`, problem: `cannot be read: ${messageOf(cause)}` }, { cause });
  }
}

function usable(field: string, problem: string, attempt: () => unknown): void {
  try {
    attempt();
  } catch (cause) {
    throw new InvalidInputError({ field, problem: `${problem} (${messageOf(cause)})` }, { cause });
  }
}
