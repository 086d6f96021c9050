import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { ConflictError } from '#src/core/errors.ts';
import type { KeyValue } from '#src/core/key-value.ts';
import type { Credential } from './credentials.ts';

/** How long a session lasts. */
export const SESSION_IN_S = 12 * 3_600;
const KEY = 'session.key';

/**
 * Sessions of the pages: a signed text instead of the token, so that the token is sent once and never kept by the browser.
 *
 * The key is in the bucket that all gateways share, so each of them knows the sessions of the others, and whoever has read the
 * credentials file, where a token may be only a hash, cannot make one. A session ends with its credential.
 */
export interface Sessions {
  /** The text of a session that begins now. */
  begin(credential: Credential, now: number): string;
  /** Whose session it is; `undefined` when it is nobody's, or over. Takes the same time whatever is wrong. */
  find(session: string, now: number): Credential | undefined;
}

export async function openSessions(store: KeyValue, credentials: readonly Credential[]): Promise<Sessions> {
  const secret = await sharedSecret(store);
  const known = credentials.flatMap((credential) =>
    credential.tokenHash === undefined ? [] : [{ credential, key: createHmac('sha256', secret).update(credential.tokenHash).digest() }],
  );
  return {
    begin({ tokenHash = Buffer.alloc(0) }, now) {
      const claim = `${now + SESSION_IN_S * 1_000}.${randomBytes(9).toString('base64url')}`;
      return `${claim}.${sign(createHmac('sha256', secret).update(tokenHash).digest(), claim).toString('base64url')}`;
    },
    find(session, now) {
      const [, claim, endsAt, signature] = /^((\d{13,15})\.[\w-]{12})\.([\w-]{43})$/.exec(session) ?? [];
      if (claim === undefined || signature === undefined || Number(endsAt) <= now) return undefined;
      const given = Buffer.from(signature, 'base64url');
      let found: Credential | undefined;
      for (const { credential, key } of known) if (timingSafeEqual(sign(key, claim), given)) found = credential;
      return found;
    },
  };
}

function sign(key: Buffer, claim: string): Buffer {
  return createHmac('sha256', key).update(claim).digest();
}

/** The first gateway makes it; the others find it. */
async function sharedSecret(store: KeyValue): Promise<Buffer> {
  const present = await store.get(KEY);
  if (present !== undefined) return Buffer.from(present.value, 'base64url');
  const made = randomBytes(32);
  try {
    await store.put(KEY, made.toString('base64url'), 0);
    return made;
  } catch (error) {
    const other = error instanceof ConflictError ? await store.get(KEY) : undefined;
    if (other === undefined) throw error;
    return Buffer.from(other.value, 'base64url');
  }
}
