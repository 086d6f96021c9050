import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { ConflictError } from '#src/core/errors.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import type { CredentialSet } from './credential-set.ts';
import type { Credential } from './credentials.ts';

/** The lifetime of a session. */
export const SESSION_IN_S = 12 * 3_600;
const KEY = 'session.key';
/** How long a replica may be behind. */
const REPLICA_WITHIN_MS = 10_000;
const READ_AGAIN_AFTER_MS = 50;
/** The prefix of the keys of ended sessions. The value is the time at which the session would have expired. */
const ENDED = 'session-ended.';

/**
 * Sessions of the pages. A session is a signed text that replaces the token, so a browser sends the token once and does not store it.
 *
 * The signing key is in the bucket that all gateways share, so each gateway accepts the sessions of the others. The credentials file alone
 * does not suffice to forge a session. A session ends with its credential, or by a sign-out on any gateway.
 */
export interface Sessions {
  /** The text of a new session. */
  begin(credential: Credential, now: number): string;
  /** The credential of a session; `undefined` for an invalid or ended session. The time does not reveal a prefix of a valid session. */
  find(session: string, now: number): Credential | undefined;
  /** Ends a session on every gateway. Resolves when the end is stored; an invalid session changes nothing. */
  end(session: string, now: number): Promise<void>;
}

/** Resolves when the ended sessions are loaded. The signal ends the watch on the sessions of other gateways. */
export async function openSessions(store: KeyValue, credentials: CredentialSet, signal: AbortSignal): Promise<Sessions> {
  const secret = await sharedSecret(store);
  let known = keysOf(credentials.list, secret);
  credentials.onReplace(() => {
    known = keysOf(credentials.list, secret);
  });
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

function keysOf(credentials: readonly Credential[], secret: Buffer): { credential: Credential; key: Buffer }[] {
  return credentials.flatMap((credential) =>
    credential.tokenHash === undefined ? [] : [{ credential, key: createHmac('sha256', secret).update(credential.tokenHash).digest() }],
  );
}

/** The sessions that were ended on any gateway. Only a valid session can be ended, so the number of sign-ins bounds them. */
async function followEnded(store: KeyValue, signal: AbortSignal): Promise<Map<string, number>> {
  const ended = new Map<string, number>();
  await store.watch(({ key, value }) => {
    // A deleted entry is ignored, so the loss of an entry does not revive its session.
    if (key.startsWith(ENDED) && value !== undefined) ended.set(key.slice(ENDED.length), Number(value));
  }, signal);
  return ended;
}

function sign(key: Buffer, claim: string): Buffer {
  return createHmac('sha256', key).update(claim).digest();
}

/** The signing key. The first gateway stores it; the other gateways read it. */
async function sharedSecret(store: KeyValue): Promise<Buffer> {
  const present = await store.get(KEY);
  if (present !== undefined) return Buffer.from(present.value, 'base64url');
  const made = randomBytes(32);
  try {
    await store.put(KEY, made.toString('base64url'), 0);
    return made;
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    return await otherSecret(store, error);
  }
}

/** Reads the key that another gateway has just stored. A replica of the bucket that is behind answers that there is none. */
async function otherSecret(store: Pick<KeyValue, 'get'>, conflict: ConflictError): Promise<Buffer> {
  for (const endsAt = performance.now() + REPLICA_WITHIN_MS; performance.now() < endsAt; await delay(READ_AGAIN_AFTER_MS)) {
    const other = await store.get(KEY);
    if (other !== undefined) return Buffer.from(other.value, 'base64url');
  }
  throw conflict;
}
