import { getCookie } from 'hono/cookie';
import { sha256 } from '#src/core/huawei-signature.ts';
import { digestInParts, PART_BYTES } from '#src/core/quotas/in-parts.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import { sentTargetOf } from '#src/gateway/http/request-target.ts';
import type { Call, GatewayOptions } from '#src/gateway/ports.ts';
import { clientCertificateOf } from './client-certificate.ts';
import type { CredentialSet } from './credential-set.ts';
import type { Credential } from './credentials.ts';
import { isReading } from './origin.ts';
import type { ReplayCache } from './replay-cache.ts';
import type { Sessions } from './sessions.ts';
import { checkHeaders, isSignedBy, parseAuthorization, type SignedRequest } from './signature.ts';

/** The cookie that contains a session. */
export const SESSION_COOKIE = 'sequent_session';

export type ClaimOptions = Pick<GatewayOptions, 'credentials' | 'clock'> & { sessions: Sessions; replays: ReplayCache };

/** The credential that the headers of a request name. */
export type Claim = {
  credential: Credential;
  /** Verifies a signed request with its body. Throws `HttpError` 401, and 429 when the replay cache is full. Absent if nothing is signed. */
  verify?(body: Uint8Array): Promise<void>;
};

/**
 * Returns a reader of claims: a signature, `X-Auth-Token`, a bearer token, in the own API the session of a page, or a client certificate.
 * A header precedes a session, and a session a certificate. The reader throws `HttpError` 401, and 403 for a change by a session that no
 * own page requested.
 */
export function createClaimReader({ credentials, sessions, replays, clock }: ClaimOptions): (call: Call) => Claim {
  function signed(call: Call, text: string): Claim {
    const authorization = parseAuthorization(text);
    if (authorization === undefined) throw unauthenticated('the Authorization header is not of the form "SDK-HMAC-SHA256 Access=…"');
    const credential = credentials.byAccessKey(authorization.accessKey);
    const { secretKey } = credential ?? {};
    if (credential === undefined || secretKey === undefined) throw unauthenticated('the access key is not known');
    const request = signedRequestOf(call);
    const checked = checkHeaders(request, { authorization, credential }, clock.now());
    if ('problem' in checked) throw unauthenticated(checked.problem);
    return {
      credential,
      async verify(body) {
        const bodyHash = body.length <= PART_BYTES ? sha256(body) : await digestInParts(body, { algorithm: 'sha256' });
        if (!isSignedBy(request, { authorization, secretKey }, bodyHash)) throw unauthenticated('the signature does not match');
        const replay = replays.check({ signature: authorization.signature, project: credential.project }, checked.signedAt, clock.now());
        if (replay === 'replayed') throw unauthenticated('the request was sent before');
        if (replay === 'full')
          throw new HttpError({ status: 429, message: 'the replay cache of signed requests is full; try again later', retryAfterInS: 60 });
      },
    };
  }

  function withToken(token: string): Claim {
    const credential = credentials.byToken(token);
    if (credential === undefined) throw unauthenticated('the token is not known');
    return { credential };
  }

  function withSession(call: Call, session: string): Claim {
    const credential = sessions.find(session, clock.now());
    // The certificate of the browser may belong to a credential although the session has ended.
    if (credential === undefined) return withCertificate(call, 'the session has ended');
    if (!isReading(call.req.method)) checkOwnPage(call);
    return { credential };
  }

  function withCertificate(call: Call, otherwise: string): Claim {
    const found = findByCertificate(call, credentials, clock.now());
    if (found === undefined) throw unauthenticated(otherwise);
    if ('problem' in found) throw unauthenticated(found.problem);
    return found;
  }

  return (call) => {
    const token = call.req.header('x-auth-token');
    if (token !== undefined) return withToken(token);
    const authorization = call.req.header('authorization') ?? '';
    const bearer = /^Bearer (\S+)$/i.exec(authorization)?.[1];
    if (bearer !== undefined) return withToken(bearer);
    if (authorization !== '') return signed(call, authorization);
    const session = call.req.path.startsWith('/api/') ? getCookie(call, SESSION_COOKIE) : undefined;
    if (session !== undefined) return withSession(call, session);
    return withCertificate(call, 'the request has neither a signature nor X-Auth-Token');
  };
}

/**
 * Finds the credential that the client certificate of a call names. Returns `undefined` when the call has no certificate, and the reason
 * when the certificate does not name exactly one credential.
 *
 * A browser presents its certificate to every page's requests, as it sends cookies. `checkOrigin` refuses the requests of other pages: over
 * TLS every current browser sends `Sec-Fetch-Site`.
 */
export function findByCertificate(
  call: Call,
  credentials: CredentialSet,
  now: number,
): { credential: Credential } | { problem: string } | undefined {
  const certificate = clientCertificateOf(call.env?.incoming?.socket, now);
  if (certificate === undefined) return undefined;
  if ('problem' in certificate) return { problem: `the client certificate does not count: ${certificate.problem}` };
  const [credential, other] = credentials.byCertificate(certificate);
  if (credential === undefined) return { problem: 'the client certificate belongs to no credential' };
  return other === undefined ? { credential } : { problem: 'the client certificate belongs to several credentials' };
}

/**
 * A browser sends a cookie with the requests of any page, so a change must prove that an own page requested it. `checkOrigin` has refused
 * other origins; a request without an origin proves nothing. Throws `HttpError` 403.
 */
function checkOwnPage({ req }: Call): void {
  if (req.header('origin') !== undefined || req.header('sec-fetch-site') === 'same-origin') return;
  const message = 'a session can change something only from a page of this gateway (Origin, Sec-Fetch-Site)';
  throw new HttpError({ status: 403, message });
}

function unauthenticated(why: string): HttpError {
  return new HttpError({ status: 401, vendorCode: 'APIGW.0301', message: `Incorrect IAM authentication information: ${why}` });
}

function signedRequestOf(call: Call): SignedRequest {
  return {
    method: call.req.method,
    ...sentTargetOf(call),
    header(name) {
      return call.req.header(name);
    },
  };
}
