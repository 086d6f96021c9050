import { createPrivateKey, createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto';
import { z } from 'zod';
import { InvalidInputError } from '#src/core/errors.ts';
import { parseJson } from '#src/core/json/json.ts';
import { problemsOf } from '#src/core/text/problems.ts';
import type { LogHash } from './log-hash.ts';

const HASH = z.string().regex(/^[0-9a-f]{64}$/);

/** A statement of the holder of a key: at this time, the log held exactly these messages up to a sequence (HEAD1). */
const signedHeadSchema = z.object({
  v: z.literal(2),
  /** The log, by the time of its creation. */
  log: z.string(),
  sequence: z.int().positive(),
  /** The time of the message at the sequence, in milliseconds since the epoch. */
  at: z.number(),
  /** The hash over all messages of the log up to the sequence (`log-hash.ts`). */
  hash: HASH,
  signedAt: z.number(),
  /** The first characters of the SHA-256 of the public key; empty when a command signs. */
  key: z.string(),
  /** Ed25519 over {@link bodyOf}, in base64url. */
  signature: z.string(),
  /** The end of the last whole block, from which the signer can continue. */
  block: z.object({ sequence: z.int().min(0), hash: HASH }),
});
export type SignedHead = z.output<typeof signedHeadSchema>;
type HeadBody = Omit<SignedHead, 'signature'>;

/** Signs a text; resolves to the signature in base64url. */
export interface Signer {
  /** The id of the key; empty when it is not known. */
  readonly key: string;
  /** Checks the heads that this signer continues from; `undefined` when a command signs. */
  readonly publicKey: KeyObject | undefined;
  sign(text: string): Promise<string>;
}

type Hashed = { log: string; hash: Pick<LogHash, 'sequence' | 'hash' | 'at' | 'block'> };

/** The text that is signed. */
function bodyOf({ v, log, sequence, at, hash: content, block, signedAt, key }: HeadBody): string {
  return `sequent-head ${JSON.stringify([v, log, sequence, at, content, block.sequence, block.hash, signedAt, key])}`;
}

/** Signs the messages of a log that a hash covers. */
export async function signHead(
  { log, hash: { sequence, hash: content, at, block } }: Hashed,
  signer: Signer,
  now: number,
): Promise<SignedHead> {
  const body = { v: 2, log, sequence, hash: content, block, at, signedAt: Math.floor(now), key: signer.key } as const;
  return { ...body, signature: await signer.sign(bodyOf(body)) };
}

export function isSignedBy(head: SignedHead, publicKey: KeyObject): boolean {
  return verify(null, Buffer.from(bodyOf(head)), publicKey, Buffer.from(head.signature, 'base64url'));
}

/** Parses one head, a list of heads, or one head per line. Throws `InvalidInputError`. */
export function parseHeads(text: string, field: string): SignedHead[] {
  const whole = parseJson(text);
  const values = whole === undefined ? text.split('\n').filter(Boolean).map(parseJson) : [whole].flat();
  return values.map((value) => {
    const parsed = signedHeadSchema.safeParse(value);
    if (parsed.success) return parsed.data;
    throw new InvalidInputError({ field, problem: `holds no signed head: ${problemsOf(parsed.error)}` });
  });
}

/** Throws `InvalidInputError` when the text is no private key of Ed25519 in PEM. */
export function createSigner(pem: string, field: string): Signer {
  const privateKey = keyFrom(() => createPrivateKey(pem), field);
  const publicKey = createPublicKey(privateKey);
  return {
    key: keyIdOf(publicKey),
    publicKey,
    sign: async (text) => sign(null, Buffer.from(text), privateKey).toString('base64url'),
  };
}

/** Throws `InvalidInputError` when the text is no public key of Ed25519 in PEM. A private key would also verify, but has no place there. */
export function parsePublicKey(pem: string, field: string): KeyObject {
  if (pem.includes('PRIVATE')) throw new InvalidInputError({ field, problem: 'is a private key: name the file that ends in .pub' });
  return keyFrom(() => createPublicKey(pem), field);
}

export function keyIdOf(publicKey: KeyObject): string {
  return hash('sha256', publicKey.export({ type: 'spki', format: 'der' }), 'hex').slice(0, 16);
}

function keyFrom(read: () => KeyObject, field: string): KeyObject {
  try {
    const key = read();
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch (cause) {
    throw new InvalidInputError({ field, problem: 'is no key in PEM' }, { cause });
  }
  throw new InvalidInputError({ field, problem: 'is no Ed25519 key' });
}
