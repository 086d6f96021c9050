import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { InvalidInputError, messageOf } from '#src/core/errors.ts';

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

const secret = z.union([z.string().min(1), z.strictObject({ env: z.string().min(1) })]);
const tokenSecret = z.union([secret, z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits') })]);
const fileSchema = z
  .array(
    z
      .strictObject({
        project_id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, "-" or "_"'),
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

/**
 * Reads the file of the credentials. Throws `InvalidInputError`, which never shows a secret: when it cannot be read, when a
 * variable is not set, when one key stands twice, or when it names several projects, which this version cannot keep apart.
 */
export function readCredentials(file: string, env: Environment = process.env): Credential[] {
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
  const credentials = parsed.data.map(({ project_id, ak, sk, security_token, token }): Credential => {
    const isHash = typeof token === 'object' && 'sha256' in token;
    return {
      project: project_id,
      ...(ak === undefined ? {} : { accessKey: plain(ak) }),
      ...(sk === undefined ? {} : { secretKey: plain(sk) }),
      ...(security_token === undefined ? {} : { securityToken: plain(security_token) }),
      ...(token === undefined ? {} : { tokenHash: isHash ? Buffer.from(token.sha256, 'hex') : hashOf(plain(token)) }),
    };
  });
  const keys = credentials.flatMap(({ accessKey }) => (accessKey === undefined ? [] : [accessKey]));
  if (new Set(keys).size < keys.length) refuse('has one ak twice');
  if (new Set(credentials.map(({ project }) => project)).size > 1)
    refuse('names several projects; this version serves one project, so run one Sequent for each');
  return credentials;
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
  return createHash('sha256').update(text).digest();
}
