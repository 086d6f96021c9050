import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/**
 * The certificate that a client presented.
 *
 * 1. A certificate counts only when an authority of `--http-tls-client-ca` signed it, and until its validity ends.
 * 2. A connection without a certificate has none, also when Node calls a resumed connection authorized.
 */
export interface ClientCertificate {
  /** The attributes of the subject, such as `CN`. An attribute that occurs more than once has several values. */
  readonly subject: Readonly<Record<string, string | readonly string[]>>;
  /** The alternative names, such as `DNS:billing.example` and `URI:spiffe://example/billing`. */
  readonly names: readonly string[];
  /** SHA-256 of the certificate, in lower-case hexadecimal digits. */
  readonly sha256: string;
  /** In milliseconds since the epoch. */
  readonly endsAt: number;
}

/** What a credential demands of a client certificate. Every demand that is present must be met. */
export type CertificateRule = {
  subject?: Readonly<Record<string, string>> | undefined;
  san?: string | undefined;
  sha256?: string | undefined;
};

/** Parsed once for each connection. `undefined`: the client presented none. */
const presented = new WeakMap<TLSSocket, ClientCertificate | { problem: string } | undefined>();

/** The certificate of a connection, why it does not count, or `undefined` without a certificate. */
export function clientCertificateOf(connection: Socket | undefined, now: number): ClientCertificate | { problem: string } | undefined {
  const socket = connection as TLSSocket | undefined;
  if (socket?.encrypted !== true) return undefined;
  if (!presented.has(socket)) presented.set(socket, read(socket));
  const found = presented.get(socket);
  return found !== undefined && 'endsAt' in found && found.endsAt <= now ? { problem: 'its validity has ended' } : found;
}

function read(socket: TLSSocket): ClientCertificate | { problem: string } | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  if (!socket.authorized) return { problem: `no configured authority signed it, or it has ended (${String(socket.authorizationError)})` };
  return describeCertificate(certificate);
}

function describeCertificate(certificate: X509Certificate): ClientCertificate {
  const { subject } = certificate.toLegacyObject() as unknown as { subject: Record<string, string | string[]> };
  return {
    subject: { ...subject },
    names: namesIn(certificate.subjectAltName ?? ''),
    sha256: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    endsAt: Date.parse(certificate.validTo),
  };
}

/** Node writes a name with a comma, a quote or a control character as a JSON text, so no name can look like two. */
function namesIn(text: string): string[] {
  return [...text.matchAll(/([^:,]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/g)].map(([, kind = '', value = '']) => {
    const name = value.startsWith('"') ? (JSON.parse(value) as string) : value;
    return `${kind}:${name}`;
  });
}

/** An attribute with several values meets no demand, because it could be either of them. */
export function meetsRule({ subject, names, sha256 }: ClientCertificate, rule: CertificateRule): boolean {
  if (rule.san !== undefined && !names.includes(rule.san)) return false;
  if (rule.sha256 !== undefined && rule.sha256 !== sha256) return false;
  return Object.entries(rule.subject ?? {}).every(
    ([attribute, value]) => Object.hasOwn(subject, attribute) && subject[attribute] === value,
  );
}

/** The rule as the audit log names its credential. */
export function describeRule({ subject, san, sha256 }: CertificateRule): string {
  const attributes = Object.entries(subject ?? {}).map(([attribute, value]) => `${attribute}=${value}`);
  return `certificate:${san ?? (attributes.length > 0 ? attributes.join(',') : (sha256?.slice(0, 12) ?? ''))}`;
}
