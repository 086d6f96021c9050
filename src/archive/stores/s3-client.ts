import { setTimeout as sleep } from 'node:timers/promises';
import { AwsV4Signer } from 'aws4fetch';
import { sha256 } from '#src/archive/segments/segment.ts';
import { type Clock, systemClock } from '#src/core/ports/clock.ts';
import { signatureDate } from '#src/core/text/signature-date.ts';
import type { S3Location } from './s3-location.ts';

export type S3Credentials = { accessKeyId: string; secretAccessKey: string; sessionToken?: string };

export type S3Request = {
  method: 'GET' | 'PUT' | 'HEAD';
  path: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: Buffer;
};

const MAX_TRIES = 5;
const TIMEOUT_IN_MS = 60_000;

/**
 * Sends signed requests to a bucket. Transient failures (no answer, 429, 5xx) are retried, with five tries in total.
 *
 * Requests must therefore be idempotent.
 */
export function createS3Client(
  location: S3Location,
  credentials: S3Credentials,
  clock: Pick<Clock, 'now'> = systemClock,
): (request: S3Request) => Promise<Response> {
  const base = `${location.endpoint}/${location.bucket}`;

  async function send({ method, path, query = {}, headers = {}, body }: S3Request): Promise<Response> {
    const url = `${base}/${path.split('/').map(encodeURIComponent).join('/')}${queryOf(query)}`;
    // The signature covers the hash, so the store refuses a body that was changed on the way.
    const hashed = { ...headers, 'x-amz-content-sha256': sha256(body ?? '') };
    const datetime = signatureDate(clock.now());
    const signing = { ...credentials, method, datetime, url, headers: hashed, service: 's3', region: location.region };
    // AwsV4Signer accepts no `body: undefined`.
    const signed = await new AwsV4Signer(body === undefined ? signing : { ...signing, body: new Uint8Array(body) }).sign();
    return await fetch(signed.url, { ...signed, signal: AbortSignal.timeout(TIMEOUT_IN_MS) });
  }

  return async (request) => {
    for (let tries = 1; ; tries++) {
      const answer = await send(request).catch((error: unknown) => {
        if (tries >= MAX_TRIES) throw new Error(`${location.endpoint} does not answer`, { cause: error });
        return undefined;
      });
      if (answer !== undefined && (tries >= MAX_TRIES || !isTransient(answer))) return answer;
      await answer?.body?.cancel();
      await sleep(100 * 2 ** tries);
    }
  };
}

/** A store that does not know a header answers 501, always. */
function isTransient({ status }: Response): boolean {
  return status === 429 || (status >= 500 && status !== 501);
}

function queryOf(query: Record<string, string>): string {
  const text = new URLSearchParams(query).toString();
  return text === '' ? '' : `?${text}`;
}
