import { hash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { InvalidInputError, messageOf } from '#src/core/errors.ts';
import { isProjectId } from '#src/core/names/names.ts';
import { problemsOf } from '#src/core/text/problems.ts';
import type { CertificateRule } from './client-certificate.ts';
import { ROLES, type Role } from './roles.ts';

/** The proof of identity of a caller, and the project that the caller acts for. */
export type Credential = {
  project: string;
  accessKey?: string;
  secretKey?: string;
  /** Sent with temporary keys in `X-Security-Token`. */
  securityToken?: string;
  /** SHA-256 of the token: the credentials file need not contain the token. */
  tokenHash?: Buffer;
  /** The client certificate that signs the caller in. */
  certificate?: CertificateRule;
  /** All roles if absent. */
  roles?: readonly Role[];
};

/** The shortest token and secret key: an attacker can try thousands of them per second over a network. */
const MIN_SECRET_LENGTH = 16;

const secret = z.union([z.string().min(1), z.strictObject({ env: z.string().min(1) })]);
const tokenSecret = z.union([secret, z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits') })]);
const certificateRule = z
  .strictObject({
    subject: z
      .record(z.string().regex(/^[A-Za-z]{1,32}$/, 'must be an attribute such as CN, O or OU'), z.string().min(1))
      .refine((attributes) => Object.keys(attributes).length > 0, 'must name an attribute such as CN')
      .optional(),
    san: z
      .string()
      .regex(/^(?:DNS|URI|email|IP Address):./, 'must be like DNS:billing.example, URI:spiffe://example/billing or email:a@b.example')
      .optional(),
    sha256: z
      .string()
      .transform((digits) => digits.replaceAll(':', '').toLowerCase())
      .pipe(z.string().regex(/^[0-9a-f]{64}$/, 'must be the SHA-256 of the certificate, 64 hexadecimal digits'))
      .optional(),
  })
  .refine((rule) => Object.values(rule).some((demand) => demand !== undefined), 'needs subject, san or sha256');
const entrySchema = z
  .strictObject({
    project_id: z.string().refine(isProjectId, 'must be 1 to 64 letters, digits, "-" or "_"').optional(),
    ak: secret.optional(),
    sk: secret.optional(),
    security_token: secret.optional(),
    token: tokenSecret.optional(),
    certificate: certificateRule.optional(),
    roles: z
      .array(z.enum(ROLES, `must be one of ${ROLES.join(', ')}`))
      .min(1)
      .optional(),
  })
  .refine(({ ak, sk }) => (ak === undefined) === (sk === undefined), 'needs both ak and sk, or neither')
  .refine(
    ({ ak, token, certificate }) => [ak, token, certificate].some((proof) => proof !== undefined),
    'needs ak and sk, or a token, or a certificate',
  );
const fileSchema = z.array(entrySchema).min(1);

type Secret = z.infer<typeof secret>;
type Entry = z.infer<typeof entrySchema>;
type Environment = Readonly<Record<string, string | undefined>>;

export type ReadOptions = {
  env?: Environment;
  /** The own project of the gateway, if one is configured. */
  project?: string | undefined;
};

/**
 * Reads the credentials file. A credential without a project belongs to the own project: the configured one, else the first one that the
 * file names, else `default`.
 *
 * Throws `InvalidInputError`, which never contains a secret: if the file cannot be read, a variable is not set, a secret is short, or an
 * access key, a token or a certificate occurs twice.
 */
export function readCredentials(file: string, { env = process.env, project }: ReadOptions = {}): Credential[] {
  const refuse = (problem: string, cause?: unknown): never => {
    throw new InvalidInputError({ field: `the credentials file ${file}`, problem }, { cause });
  };
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    // The message of a JSON syntax error quotes the surrounding text, which may be a secret.
    refuse(cause instanceof SyntaxError ? 'is not JSON' : `cannot be read: ${messageOf(cause)}`);
  }
  const parsed = fileSchema.safeParse(content);
  if (!parsed.success) return refuse(`is not valid: ${problemsOf(parsed.error)}`);
  const own = project ?? parsed.data.find(({ project_id }) => project_id !== undefined)?.project_id ?? 'default';
  const credentials = parsed.data.map((entry) => credentialOf(entry, own, createSecretReader(env, refuse)));
  const twice = repeatedIn(credentials);
  return twice === undefined ? credentials : refuse(`contains one ${twice} twice`);
}

/** The kind of a proof that two credentials have in common. */
function repeatedIn(credentials: readonly Credential[]): string | undefined {
  const proofs: Record<string, (credential: Credential) => string | undefined> = {
    ak: ({ accessKey }) => accessKey,
    token: ({ tokenHash }) => tokenHash?.toString('hex'),
    certificate: ({ certificate }) => (certificate === undefined ? undefined : JSON.stringify(certificate)),
  };
  return Object.entries(proofs).find(([, proofOf]) => {
    const found = credentials.map(proofOf).filter((proof) => proof !== undefined);
    return new Set(found).size < found.length;
  })?.[0];
}

interface SecretReader {
  plain(found: Secret): string;
  /** Refuses a short secret. */
  strong(found: Secret, field: string): string;
}

function createSecretReader(env: Environment, refuse: (problem: string) => never): SecretReader {
  function plain(found: Secret): string {
    if (typeof found === 'string') return found;
    return env[found.env] || refuse(`names the environment variable ${found.env}, which is not set`);
  }
  return {
    plain,
    strong(found, field) {
      const text = plain(found);
      if (text.length >= MIN_SECRET_LENGTH) return text;
      return refuse(
        `has a ${field} of fewer than ${MIN_SECRET_LENGTH} characters, which can be guessed; "openssl rand -hex 32" makes a good one`,
      );
    },
  };
}

function credentialOf(
  { project_id, ak, sk, security_token, token, certificate, roles }: Entry,
  own: string,
  { plain, strong }: SecretReader,
): Credential {
  const isHash = typeof token === 'object' && 'sha256' in token;
  return {
    project: project_id ?? own,
    ...(roles === undefined ? {} : { roles }),
    ...(certificate === undefined ? {} : { certificate }),
    ...(ak === undefined ? {} : { accessKey: plain(ak) }),
    ...(sk === undefined ? {} : { secretKey: strong(sk, 'sk') }),
    ...(security_token === undefined ? {} : { securityToken: plain(security_token) }),
    ...(token === undefined ? {} : { tokenHash: isHash ? Buffer.from(token.sha256, 'hex') : hashOf(strong(token, 'token')) }),
  };
}

/**
 * Finds credentials by their tokens. A valid token is cached by its text, because hashing costs more than a look-up; the cache has at most
 * one entry per credential. A `Map` compares only texts with equal seeded hashes, so the time of a look-up does not reveal a prefix of a
 * token.
 */
export function createTokenFinder(credentials: readonly Credential[]): (token: string) => Credential | undefined {
  const known = new Map<string, Credential>();
  return (token) => {
    const present = known.get(token);
    if (present !== undefined) return present;
    const found = findByToken(credentials, token);
    if (found !== undefined) known.set(token, found);
    return found;
  };
}

/** A credential that consists of a token only. */
export function withToken(project: string, token: string): Credential {
  return { project, tokenHash: hashOf(token) };
}

/** Finds the credential of a token. Compares all credentials in constant time, so the time does not reveal a prefix of a token. */
export function findByToken(credentials: readonly Credential[], token: string): Credential | undefined {
  const hash = hashOf(token);
  let found: Credential | undefined;
  for (const credential of credentials) {
    if (credential.tokenHash !== undefined && timingSafeEqual(credential.tokenHash, hash)) found = credential;
  }
  return found;
}

export function isSameSecret(one: string, other: string): boolean {
  return timingSafeEqual(hashOf(one), hashOf(other));
}

function hashOf(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}
