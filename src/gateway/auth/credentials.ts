import { hash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { InvalidInputError, messageOf } from '#src/core/errors.ts';
import { isProjectId } from '#src/core/names/names.ts';

/** Who may call, and for which project. */
export type Credential = {
  project: string;
  accessKey?: string;
  secretKey?: string;
  /** Temporary keys carry it in `X-Security-Token`. */
  securityToken?: string;
  /** SHA-256 of the token: the gateway need not know the token itself. */
  tokenHash?: Buffer;
};

/** Of a token and of a secret key. A network can be asked a thousand times a second. */
const LEAST_SECRET_LENGTH = 16;

const secret = z.union([z.string().min(1), z.strictObject({ env: z.string().min(1) })]);
const tokenSecret = z.union([secret, z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits') })]);
const fileSchema = z
  .array(
    z
      .strictObject({
        project_id: z.string().refine(isProjectId, 'must be 1 to 64 letters, digits, "-" or "_"').optional(),
        ak: secret.optional(),
        sk: secret.optional(),
        security_token: secret.optional(),
        token: tokenSecret.optional(),
      })
      .refine(({ ak, sk }) => (ak === undefined) === (sk === undefined), 'needs both ak and sk, or neither')
      .refine(({ ak, token }) => ak !== undefined || token !== undefined, 'needs ak and sk, or a token'),
  )
  .min(1);

type Environment = Readonly<Record<string, string | undefined>>;

export type ReadOptions = {
  env?: Environment;
  /** The own project, if it is configured. */
  project?: string | undefined;
};

/**
 * Reads the file of the credentials. One that names no project belongs to the own one: the configured, else the first that the
 * file names, else `default`.
 *
 * Throws `InvalidInputError`, which never shows a secret: when it cannot be read, when a variable is not set, when a secret is short, or
 * when one key or token stands twice.
 */
export function readCredentials(file: string, { env = process.env, project }: ReadOptions = {}): Credential[] {
  const refuse = (problem: string, cause?: unknown): never => {
    throw new InvalidInputError({ field: `the credentials file ${file}`, problem }, { cause });
  };
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    // A syntax error of JSON quotes what stands around it: a secret, perhaps.
    refuse(cause instanceof SyntaxError ? 'is not JSON' : `cannot be read: ${messageOf(cause)}`);
  }
  const parsed = fileSchema.safeParse(content);
  if (!parsed.success) return refuse(`is not valid:\n${z.prettifyError(parsed.error)}`);
  const plain = (found: z.infer<typeof secret>): string => {
    if (typeof found === 'string') return found;
    return env[found.env] || refuse(`names the environment variable ${found.env}, which is not set`);
  };
  const strong = (found: z.infer<typeof secret>, field: string): string => {
    const text = plain(found);
    if (text.length >= LEAST_SECRET_LENGTH) return text;
    return refuse(
      `has a ${field} of fewer than ${LEAST_SECRET_LENGTH} characters, which can be guessed; "openssl rand -hex 32" makes a good one`,
    );
  };
  const own = project ?? parsed.data.find(({ project_id }) => project_id !== undefined)?.project_id ?? 'default';
  const credentials = parsed.data.map(({ project_id, ak, sk, security_token, token }): Credential => {
    const isHash = typeof token === 'object' && 'sha256' in token;
    return {
      project: project_id ?? own,
      ...(ak === undefined ? {} : { accessKey: plain(ak) }),
      ...(sk === undefined ? {} : { secretKey: strong(sk, 'sk') }),
      ...(security_token === undefined ? {} : { securityToken: plain(security_token) }),
      ...(token === undefined ? {} : { tokenHash: isHash ? Buffer.from(token.sha256, 'hex') : hashOf(strong(token, 'token')) }),
    };
  });
  const keys = credentials.flatMap(({ accessKey }) => (accessKey === undefined ? [] : [accessKey]));
  if (new Set(keys).size < keys.length) refuse('has one ak twice');
  const tokens = credentials.flatMap(({ tokenHash }) => tokenHash?.toString('hex') ?? []);
  if (new Set(tokens).size < tokens.length) refuse('has one token twice');
  return credentials;
}

/**
 * Finds credentials by their tokens. A token that was found is known by its text from then on, because hashing it costs more than finding it: no
 * more of them than there are credentials. A `Map` compares texts whose seeded hashes are equal, and no others, so its time tells nothing about
 * how much of a wrong token was right.
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

/** A credential of nothing but a token. */
export function withToken(project: string, token: string): Credential {
  return { project, tokenHash: hashOf(token) };
}

/** Finds the credential of a token. Looks at all of them, in a time that does not tell how much of the token was right. */
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
