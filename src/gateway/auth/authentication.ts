import { readBody } from '#src/gateway/http/bodies/body.ts';
import { type ConcurrencyLimit, createConcurrencyLimit } from '#src/gateway/http/concurrency-limit.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import type { Call } from '#src/gateway/ports.ts';
import { type Claim, type ClaimOptions, createClaimReader } from './claim.ts';
import type { FailedAttempts } from './failed-attempts.ts';
import { bringsCredential } from './origin.ts';
import { checkRole } from './route-rules.ts';

/** The budget of all bodies whose signature is not verified yet: several packages of the largest size. */
const UNVERIFIED_BYTES = 128 * 1_024 * 1_024;
/** The budget of the bodies of all requests in progress, which the projects share. Their texts and values take a multiple of it. */
export const BODY_BYTES = 256 * 1_024 * 1_024;
/** What a body that is read part by part holds at one time. */
const STREAMED_BYTES = 512 * 1_024;
/** The memory of a request besides its body: at most its headers. It also bounds the number of slow requests with small bodies. */
const MIN_REQUEST_BYTES = 16 * 1_024;

type Options = ClaimOptions & {
  attempts: FailedAttempts;
  maxBytes: (path: string) => number;
  /** Whether the route of a call reads its body itself, part by part. The body of a signed call is read here all the same. */
  isStreamed: (call: Call) => boolean;
};

const UNREAD = new Uint8Array();

/**
 * Authenticates a call, reads its body, and enters the limit for its project:
 *
 * 1. A call without a known credential is refused before its body is read.
 * 2. The body of a signed call is read within a budget that the access keys share, because any caller can name an access key.
 * 3. A call enters the limit only with a verified credential, so no caller uses the share of another project.
 * 4. The body of a call counts in a budget of bytes for its project until the call is answered. Beyond it, a call is refused before its
 *    body is read.
 * 5. A credential with roles reaches the routes of its roles only.
 *
 * Resolves to the function that leaves the limit. Throws `HttpError` 401, 403, 413 and 429.
 */
export function authenticate(options: Options): (call: Call, limit: ConcurrencyLimit) => Promise<() => void> {
  const { credentials, attempts, maxBytes, isStreamed } = options;
  const readClaim = createClaimReader(options);
  const unverified = createConcurrencyLimit(
    UNVERIFIED_BYTES,
    () => credentials.list.filter(({ accessKey }) => accessKey !== undefined).length,
  );

  function claimOf(call: Call): Claim {
    try {
      return readClaim(call);
    } catch (error) {
      recordRefusal(call, error);
      throw error;
    }
  }

  async function readVerified(call: Call, { credential: { accessKey }, verify }: Claim, max: number): Promise<Uint8Array> {
    const release = unverified.enter(accessKey, sizeOf(call, max));
    try {
      const body = await readBody(call, max);
      await verify?.(body);
      return body;
    } catch (error) {
      recordRefusal(call, error);
      throw error;
    } finally {
      release();
    }
  }

  const bodies = createConcurrencyLimit(BODY_BYTES, () => credentials.projects);

  /** How many bytes a call holds until it is answered. */
  function heldBy(call: Call, max: number): number {
    return isStreamed(call) ? STREAMED_BYTES : bodySizeOf(call, max);
  }

  async function readUnlessStreamed(call: Call, max: number): Promise<Uint8Array> {
    return isStreamed(call) ? UNREAD : await readBody(call, max);
  }

  /** Logs a refused credential. A request without a credential is not logged: the first visit of a page is such a request. */
  function recordRefusal(call: Call, error: unknown): void {
    if (error instanceof HttpError && error.status === 401 && bringsCredential(call)) attempts.record(addressOf(call), error.message);
  }

  return async (call, limit) => {
    const { path } = call.req;
    const claim = credentials.isOpen ? undefined : claimOf(call);
    const project = claim?.credential.project;
    checkProjectIn(path, project);
    call.set('project', project);
    call.set('credential', claim?.credential);
    const max = maxBytes(path);
    const verifiedBody = claim?.verify === undefined ? undefined : await readVerified(call, claim, max);
    const leave = limit.enter(project);
    let leaveBudget = (): void => {};
    const release = (): void => {
      leave();
      leaveBudget();
    };
    try {
      leaveBudget = bodies.enter(project, verifiedBody?.length ?? heldBy(call, max));
      call.set('body', verifiedBody ?? (await readUnlessStreamed(call, max)));
      // A signature is verified by now, so the refusal reveals the roles to the holder of the credential only.
      if (claim !== undefined) checkRole(call, claim.credential);
      return release;
    } catch (error) {
      release();
      throw error;
    }
  };
}

/** Throws `HttpError` 403 when a path of the vendor's API names another project. */
function checkProjectIn(path: string, project: string | undefined): void {
  const named = /^\/v[12]\/([^/]*)/.exec(path)?.[1];
  if (project !== undefined && named !== undefined && named !== project)
    throw new HttpError({ status: 403, message: 'the credential does not belong to the project of the path' });
}

/** The network address of a caller. Behind a reverse proxy this is the proxy's address: any caller can forge a forwarding header. */
export function addressOf(call: Call): string {
  return call.env?.incoming?.socket.remoteAddress ?? 'unknown';
}

/** The largest memory that a request can use, by its headers. A chunked body has no length and counts with the maximum. */
function sizeOf(call: Call, max: number): number {
  return MIN_REQUEST_BYTES + bodySizeOf(call, max);
}

function bodySizeOf({ req }: Call, max: number): number {
  const length = req.header('content-length');
  if (length !== undefined) return Math.min(Number(length) || 0, max);
  return req.header('transfer-encoding') === undefined ? 0 : max;
}
