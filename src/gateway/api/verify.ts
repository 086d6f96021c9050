import { readLog } from '#src/analysis/read-log.ts';
import { createVerifier } from '#src/analysis/verify.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import type { Gateway } from '../ports.ts';
import { scopeOf } from '../scope.ts';
import type { Routes } from './route.ts';
import { verificationSchema, verifyBodySchema } from './schemas/system.ts';

const MOST_FINDINGS = 100;

/** Proving the log, as `sequent verify` does. It speaks of all functions, so it answers the own project only; one at a time. */
export function addVerifyRoute(routes: Routes, gateway: Gateway): void {
  const { client, clock, closing, tenancy } = gateway;
  let isRunning = false;

  routes.add(
    {
      method: 'post',
      path: '/api/verify',
      summary: 'Fold the log with the present machine, and name everything that breaks a rule',
      body: verifyBodySchema,
      isBodyOptional: true,
      answers: { 200: { description: 'the first findings, and the balance', schema: verificationSchema } },
    },
    async (call, { body: { from, limit_ms } }) => {
      const { isOpen, project } = scopeOf(call, gateway);
      if (!isOpen && project !== tenancy.project)
        throw new HttpError({ status: 403, message: 'the log is verified by the own project only' });
      if (isRunning) throw new HttpError({ status: 429, message: 'the log is being verified already', retryAfterInS: 5 });
      isRunning = true;
      const startedAt = clock.now();
      const limit = AbortSignal.any([AbortSignal.timeout(limit_ms), closing, call.req.raw.signal]);
      try {
        // What was archived is proved by the command, which has the archive: the log itself may begin in the middle of a life.
        const first = Math.max(from, await client.sequenceAt(new Date(0)));
        const verifier = createVerifier({ from: first });
        await readLog(
          {
            lastSequence: client.lastSequence,
            follow: (place, onEntry, enough) => client.follow(place, onEntry, AbortSignal.any([enough, limit])),
            clock,
            from: first,
          },
          (entry) => {
            if (!limit.aborted) verifier.read(entry);
          },
        );
        const { messages, findings, found, balance } = verifier.finish();
        const { accepted, settled, open } = balance;
        return call.json({
          messages,
          findings: findings.slice(0, MOST_FINDINGS),
          found,
          is_complete: !limit.aborted,
          balance: { accepted, settled, open },
          took_ms: clock.now() - startedAt,
        });
      } finally {
        isRunning = false;
      }
    },
  );
}
