import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { InvalidInputError, messageOf } from '#src/core/errors.ts';
import { memoizeByText } from '../memoize.ts';

/** Whether clients are asked for a certificate, and whether every call except the probes needs one. */
export type ClientAuth = 'request' | 'require';

export type TlsFiles = { cert: string; key: string; clientCa?: string | undefined };

/** A certificate with its chain and its key, and the authorities of client certificates; in PEM. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string | undefined;
  /** The end of the certificate's validity, in milliseconds since the epoch. */
  readonly endsAt: number;
  /** Whether the certificate is for a host name. Browsers refuse the connection under any other name. */
  isFor(hostname: string): boolean;
}

/** The TLS that the gateway serves. New connections use the newest material. */
export class ServedTls {
  readonly clientAuth: ClientAuth | undefined;
  #material: TlsMaterial;
  readonly #listeners = new Set<(material: TlsMaterial) => void>();

  /** Without `clientAuth`, clients are not asked for a certificate. */
  constructor(material: TlsMaterial, clientAuth: ClientAuth | undefined) {
    this.#material = material;
    this.clientAuth = clientAuth;
  }

  get material(): TlsMaterial {
    return this.#material;
  }

  replace(material: TlsMaterial): void {
    this.#material = material;
    for (const listener of this.#listeners) listener(material);
  }

  onReplace(listener: (material: TlsMaterial) => void): void {
    this.#listeners.add(listener);
  }
}

/** Throws `InvalidInputError` when a file cannot be read, when a file is not in PEM, and when the key does not belong to the certificate. */
export function readTlsMaterial({ cert: certFile, key: keyFile, clientCa: clientCaFile }: TlsFiles): TlsMaterial {
  const cert = read('the TLS certificate', certFile);
  const key = read('the TLS key', keyFile);
  const clientCa = clientCaFile === undefined ? undefined : read('the file of client authorities', clientCaFile);
  const leaf = parse(`the TLS certificate ${certFile}`, 'is no certificate in PEM', () => new X509Certificate(cert));
  const privateKey = parse(`the TLS key ${keyFile}`, 'is no private key in PEM without a password', () => createPrivateKey(key));
  checkPair(leaf, privateKey, { certFile, keyFile });
  if (clientCa !== undefined)
    parse(`the file of client authorities ${clientCaFile}`, 'is no certificate in PEM', () => new X509Certificate(clientCa));
  parse(`the TLS certificate ${certFile}`, 'cannot be served', () => createSecureContext({ cert, key, ca: clientCa }));
  return {
    cert,
    key,
    clientCa,
    endsAt: Date.parse(leaf.validTo),
    isFor: memoizeByText((hostname) => leaf.checkHost(hostname) !== undefined),
  };
}

function checkPair(leaf: X509Certificate, key: KeyObject, { certFile, keyFile }: { certFile: string; keyFile: string }): void {
  if (leaf.checkPrivateKey(key)) return;
  throw new InvalidInputError({ field: `the TLS key ${keyFile}`, problem: `does not belong to the certificate ${certFile}` });
}

function read(what: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new InvalidInputError(
      { field: `${what} ${file}`, problem: `cannot be read (${(cause as NodeJS.ErrnoException).code})` },
      { cause },
    );
  }
}

/** OpenSSL's messages quote no content of a file. */
function parse<Value>(field: string, problem: string, make: () => Value): Value {
  try {
    return make();
  } catch (cause) {
    throw new InvalidInputError({ field, problem: `${problem} (${messageOf(cause)})` }, { cause });
  }
}

const WARN_BEFORE_MS = 14 * 86_400_000;

/** A sentence about a certificate that ends within two weeks or has ended; otherwise `undefined`. */
export function expiryOf({ endsAt }: Pick<TlsMaterial, 'endsAt'>, now: number): string | undefined {
  if (endsAt - now > WARN_BEFORE_MS) return undefined;
  const day = new Date(endsAt).toISOString().slice(0, 10);
  return `the TLS certificate of HTTP ${endsAt < now ? 'ended' : 'ends'} on ${day}; put a new one into its file`;
}
