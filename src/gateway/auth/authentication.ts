import { getCookie } from 'hono/cookie';
import { readBody } from '#src/gateway/http/body.ts';
import { type ConcurrencyLimit, createConcurrencyLimit } from '#src/gateway/http/concurrency-limit.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import type { Call, GatewayOptions } from '#src/gateway/ports.ts';
import { type Credential, createTokenFinder } from './credentials.ts';
import type { FailedAttempts } from './failed-attempts.ts';
import { bringsCredential, isReading } from './origin.ts';
import type { ReplayCache } from './replay-cache.ts';
import type { Sessions } from './sessions.ts';
import { checkHeaders, isSignedBy, parseAuthorization, type SignedRequest } from './signature.ts';

/** The cookie that stands for a token. */
export const SESSION_COOKIE = 'sequent_session';

/** For all requests whose signature is not proved yet. Packages of the largest size fit beside each other. */
const UNPROVED_BYTES = 128 * 1_024 * 1_024;
/** What a request takes besides its body: at most its headers. It bounds the number of slow small bodies too. */
const LEAST_BYTES = 16 * 1_024;

type Options = Pick<GatewayOptions, 'credentials' | 'clock'> & {
  sessions: Sessions;
  replays: ReplayCache;
  attempts: FailedAttempts;
  maxBytes: (path: string) => number;
};

/** Who calls, as far as the headers tell. */
type Claim = {
  credential: Credential;
  /** Proves the rest when the body is there. */
  prove?(body: Uint8Array): void;
};

/**
 * Reads the body, and lets nobody pass who does not prove who he is: by a signature, by `X-Auth-Token`, by a bearer token,
 * or, in the own API, by the session of a page. Throws `HttpError` 401, 403, 413 and 429.
 * A call without a known key is refused before its body is read. The body of a signed call is read within a budget that the access keys share, since
 * anybody may name an access key. Enters the room for the project that was proved, and resolves to what leaves the room.
 */
export function authenticate({
  credentials,
  sessions,
  replays,
  attempts,
  clock,
  maxBytes,
}: Options): (call: Call, room: ConcurrencyLimit) => Promise<() => void> {
  const findByToken = createTokenFinder(credentials);
  const unproved = createConcurrencyLimit(UNPROVED_BYTES, credentials.filter(({ accessKey }) => accessKey !== undefined).length);

  function signed(call: Call, text: string): Claim {
    const authorization = parseAuthorization(text);
    if (authorization === undefined) throw refused('the Authorization header is not of the form "SDK-HMAC-SHA256 Access=…"');
    const credential = credentials.find(({ accessKey }) => accessKey === authorization.accessKey);
    const { secretKey } = credential ?? {};
    if (credential === undefined || secretKey === undefined) throw refused('the access key is not known');
    const request = signedRequestOf(call);
    const checked = checkHeaders(request, authorization, credential, clock.now());
    if ('problem' in checked) throw refused(checked.problem);
    return {
      credential,
      prove(body) {
        if (!isSignedBy(request, authorization, secretKey, body)) throw refused('the signature does not match');
        const replay = replays.see(authorization.signature, checked.signedAt, clock.now());
        if (replay === 'replayed') throw refused('the request was sent before');
        if (replay === 'full')
          throw new HttpError({ status: 429, message: 'more signed requests than can be remembered; try again later', retryAfterInS: 60 });
      },
    };
  }

  function withToken(token: string): Claim {
    const credential = findByToken(token);
    if (credential === undefined) throw refused('the token is not known');
    return { credential };
  }

  function withSession(call: Call, session: string): Claim {
    const credential = sessions.find(session, clock.now());
    if (credential === undefined) throw refused('the session is over');
    if (!isReading(call.req.method)) checkOwnPage(call);
    return { credential };
  }

  function claimOf(call: Call): Claim {
    const token = call.req.header('x-auth-token');
    if (token !== undefined) return withToken(token);
    const authorization = call.req.header('authorization') ?? '';
    const bearer = /^Bearer (\S+)$/i.exec(authorization)?.[1];
    if (bearer !== undefined) return withToken(bearer);
    if (authorization !== '') return signed(call, authorization);
    const session = call.req.path.startsWith('/api/') ? getCookie(call, SESSION_COOKIE) : undefined;
    if (session !== undefined) return withSession(call, session);
    throw refused('the request has neither a signature nor X-Auth-Token');
  }

  /** A refused credential is logged. A request without one is not: every first visit of a page is such. */
  function noting<Value>(call: Call, check: () => Value): Value {
    try {
      return check();
    } catch (error) {
      if (error instanceof HttpError && error.status === 401 && bringsCredential(call)) attempts.note(addressOf(call), error.message);
      throw error;
    }
  }

  async function readUnproved(call: Call, { credential: { accessKey }, prove }: Claim, most: number): Promise<Uint8Array> {
    const leave = unproved.enter(accessKey, sizeOf(call, most));
    try {
      const body = await readBody(call, most);
      noting(call, () => prove?.(body));
      return body;
    } finally {
      leave();
    }
  }

  return async (call, room) => {
    const { path } = call.req;
    const claim = credentials.length === 0 ? undefined : noting(call, () => claimOf(call));
    const project = claim?.credential.project;
    const asked = /^\/v[12]\/([^/]*)/.exec(path)?.[1];
    if (project !== undefined && asked !== undefined && asked !== project)
      throw new HttpError({ status: 403, message: 'the credential does not belong to the project of the path' });
    call.set('project', project);
    const most = maxBytes(path);
    const unprovedBody = claim?.prove === undefined ? undefined : await readUnproved(call, claim, most);
    const leave = room.enter(project);
    try {
      call.set('body', unprovedBody ?? (await readBody(call, most)));
      return leave;
    } catch (error) {
      leave();
      throw error;
    }
  };
}

/** The network address of a caller. Behind a reverse proxy that is the proxy: a header that names another one could be anybody's. */
export function addressOf(call: Call): string {
  return call.env?.incoming?.socket.remoteAddress ?? 'unknown';
}

/** What a body may take in memory, as far as its headers tell; also one without a length that does not end yet. */
function sizeOf({ req }: Call, most: number): number {
  const length = req.header('content-length');
  if (length !== undefined) return LEAST_BYTES + Math.min(Number(length) || 0, most);
  return LEAST_BYTES + (req.header('transfer-encoding') === undefined ? 0 : most);
}

/**
 * A browser sends a cookie whichever page asked, so a request that changes something proves that an own page asked. `checkOrigin` has
 * refused other origins; a request that names no origin proves nothing. Throws `HttpError` 403.
 */
function checkOwnPage({ req }: Call): void {
  if (req.header('origin') !== undefined || req.header('sec-fetch-site') === 'same-origin') return;
  const message = 'a session may change something only for the pages of this gateway (Origin, Sec-Fetch-Site)';
  throw new HttpError({ status: 403, message });
}

function refused(why: string): HttpError {
  return new HttpError({ status: 401, vendorCode: 'APIGW.0301', message: `Incorrect IAM authentication information: ${why}` });
}

function signedRequestOf(call: Call): SignedRequest {
  const { url } = call.req;
  const pathAt = url.indexOf('/', url.indexOf('://') + 3);
  const target = pathAt < 0 ? '/' : url.slice(pathAt);
  const queryAt = target.indexOf('?');
  return {
    method: call.req.method,
    path: queryAt < 0 ? target : target.slice(0, queryAt),
    query: queryAt < 0 ? '' : target.slice(queryAt + 1),
    header(name) {
      return call.req.header(name);
    },
  };
}
