import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { ConflictError } from '#src/core/errors.ts';
import type { KeyValue } from '#src/core/ports/key-value.ts';
import type { Credential } from './credentials.ts';

/** How long a session lasts. */
export const SESSION_IN_S = 12 * 3_600;
const KEY = 'session.key';
/** The prefix of the keys of ended sessions; the value is the time at which the session would have ended by itself. */
const ENDED = 'session-ended.';

/**
 * Sessions of the pages: a signed text instead of the token, so that the token is sent once and never kept by the browser.
 *
 * The key is in the bucket that all gateways share, so each of them knows the sessions of the others, and whoever has read the
 * credentials file, where a token may be only a hash, cannot make one. A session ends with its credential, and by a sign-out on any gateway.
 */
export interface Sessions {
  /** The text of a session that begins now. */
  begin(credential: Credential, now: number): string;
  /** Whose session it is; `undefined` when it is nobody's, or over. Takes the same time whatever is wrong. */
  find(session: string, now: number): Credential | undefined;
  /** Ends a session on every gateway. Resolves when the end is stored; a text that is no session changes nothing. */
  end(session: string, now: number): Promise<void>;
}

/** Resolves when the sessions that were ended are known. The signal ends following the other gateways. */
export async function openSessions(store: KeyValue, credentials: readonly Credential[], signal: AbortSignal): Promise<Sessions> {
  const secret = await sharedSecret(store);
  const known = credentials.flatMap((credential) =>
    credential.tokenHash === undefined ? [] : [{ credential, key: createHmac('sha256', secret).update(credential.tokenHash).digest() }],
  );
  const ended = await followEnded(store, signal);

  function find(session: string, now: number): { credential: Credential; id: string; endsAt: number } | undefined {
    const [, claim, endsAt, id, signature] = /^((\d{13,15})\.([\w-]{12}))\.([\w-]{43})$/.exec(session) ?? [];
    if (claim === undefined || id === undefined || signature === undefined || Number(endsAt) <= now) return undefined;
    const given = Buffer.from(signature, 'base64url');
    let found: Credential | undefined;
    for (const { credential, key } of known) if (timingSafeEqual(sign(key, claim), given)) found = credential;
    return found === undefined || ended.has(id) ? undefined : { credential: found, id, endsAt: Number(endsAt) };
  }

  return {
    begin({ tokenHash = Buffer.alloc(0) }, now) {
      const claim = `${now + SESSION_IN_S * 1_000}.${randomBytes(9).toString('base64url')}`;
      return `${claim}.${sign(createHmac('sha256', secret).update(tokenHash).digest(), claim).toString('base64url')}`;
    },
    find: (session, now) => find(session, now)?.credential,
    async end(session, now) {
      const found = find(session, now);
      if (found === undefined) return;
      await store.put(ENDED + found.id, String(found.endsAt));
      ended.set(found.id, found.endsAt);
      for (const [id, endsAt] of ended) {
        if (endsAt > now) continue;
        ended.delete(id);
        await store.delete(ENDED + id);
      }
    },
  };
}

/** The sessions that were ended on any gateway. Only a valid session can be ended, so sign-ins bound their number. */
async function followEnded(store: KeyValue, signal: AbortSignal): Promise<Map<string, number>> {
  const ended = new Map<string, number>();
  await store.watch(({ key, value }) => {
    // A lost entry does not bring its session back.
    if (key.startsWith(ENDED) && value !== undefined) ended.set(key.slice(ENDED.length), Number(value));
  }, signal);
  return ended;
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
