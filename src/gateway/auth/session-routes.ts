import type { Hono } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { z } from 'zod';
import { VERSION } from '#src/client/version.ts';
import type { Session } from '#src/gateway/api/system/session-schemas.ts';
import { parseBody, readBody } from '#src/gateway/http/bodies/body.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import type { Call, Gateway, GatewayEnv } from '#src/gateway/ports.ts';
import { addressOf } from './authentication.ts';
import { findByCertificate, SESSION_COOKIE } from './claim.ts';
import type { Credential } from './credentials.ts';
import { ROLES, type Role } from './roles.ts';
import { SESSION_IN_S } from './sessions.ts';

const MAX_BODY_BYTES = 4_096;
const requestSchema = z.strictObject({ token: z.string().min(1).max(1_024) });

/** Sign-in and sign-out of the pages: exchanges a token for a cookie that no script can read. These routes need no authentication. */
export function addSessionRoutes(app: Hono<GatewayEnv>, { credentials, sessions, clock, tenancy, attempts }: Gateway): void {
  const { isOpen } = credentials;
  const describe = (project: string | undefined, roles: readonly Role[] = ROLES): Session => ({
    project: project ?? null,
    roles: project === undefined ? [] : [...roles],
    is_open: isOpen,
    signed_in: project !== undefined,
    version: VERSION,
  });
  function callerOf(call: Call): Credential | undefined {
    const session = getCookie(call, SESSION_COOKIE);
    const inSession = session === undefined ? undefined : sessions.find(session, clock.now());
    if (inSession !== undefined) return inSession;
    const byCertificate = findByCertificate(call, credentials, clock.now());
    return byCertificate !== undefined && 'credential' in byCertificate ? byCertificate.credential : undefined;
  }

  app.get('/api/session', (call) => {
    call.header('Cache-Control', 'no-store');
    const found = callerOf(call);
    return call.json(isOpen ? describe(tenancy.project) : describe(found?.project, found?.roles));
  });

  app.post('/api/session', async (call) => {
    call.header('Cache-Control', 'no-store');
    const { token } = parseBody(await readBody(call, MAX_BODY_BYTES), requestSchema);
    if (isOpen) return call.json(describe(tenancy.project));
    const address = addressOf(call);
    const credential = credentials.byToken(token);
    if (credential === undefined) {
      attempts.checkWait(address);
      attempts.record(address, 'a sign-in with an unknown token');
      throw new HttpError({ status: 401, message: 'the token is not known' });
    }
    attempts.forget(address);
    setCookie(call, SESSION_COOKIE, sessions.begin(credential, clock.now()), {
      path: '/',
      httpOnly: true,
      sameSite: 'Strict',
      secure: isSecure(call),
      maxAge: SESSION_IN_S,
    });
    return call.json(describe(credential.project, credential.roles));
  });

  app.delete('/api/session', async (call) => {
    call.header('Cache-Control', 'no-store');
    const session = getCookie(call, SESSION_COOKIE);
    if (session !== undefined) await sessions.end(session, clock.now());
    deleteCookie(call, SESSION_COOKIE, { path: '/', httpOnly: true, sameSite: 'Strict', secure: isSecure(call) });
    return call.body(null, 204);
  });
}

/** Whether the browser connects by HTTPS, to this gateway or to a proxy that terminates TLS and sets `X-Forwarded-Proto`. */
function isSecure({ req }: Call): boolean {
  return req.header('x-forwarded-proto') === 'https' || req.url.startsWith('https:');
}
