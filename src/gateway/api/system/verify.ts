import { Verifier } from '#src/analysis/verify/verify.ts';
import { readUpTo } from '#src/core/log/read-up-to.ts';
import { abortWithin } from '#src/core/time/abort-within.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import type { Gateway } from '../../ports.ts';
import { scopeOf } from '../../scope.ts';
import type { Routes } from '../route.ts';
import { verificationSchema, verifyBodySchema } from './system-schemas.ts';

const MAX_FINDINGS = 100;

/** Verifies the log, like `sequent verify`. The findings concern all projects, so only the own project may ask; one run at a time. */
export function addVerifyRoute(routes: Routes, gateway: Gateway): void {
  const { client, clock, closing, tenancy } = gateway;
  let isRunning = false;

  routes.add(
    {
      method: 'post',
      path: '/api/verify',
      summary: 'Fold the log with the current machine, and report every violation of a rule',
      body: verifyBodySchema,
      isBodyOptional: true,
      answers: { 200: { description: 'the first findings, and the balance', schema: verificationSchema } },
    },
    async (call, { body: { from, limit_ms } }) => {
      const { isOpen, project } = scopeOf(call, gateway);
      if (!isOpen && project !== tenancy.project)
        throw new HttpError({ status: 403, message: 'only the own project of the gateway can verify the log' });
      if (isRunning) throw new HttpError({ status: 429, message: 'another verification of the log is in progress', retryAfterInS: 5 });
      isRunning = true;
      const startedAt = clock.now();
      const limit = abortWithin(limit_ms, closing, call.req.raw.signal);
      try {
        // Retention may have removed the first messages. `sequent verify` reads them from the archive; the gateway starts after them.
        const first = Math.max(from, await client.sequenceAt(new Date(0)));
        const verifier = new Verifier({ from: first });
        await readUpTo(client, { from: first, to: await client.lastSequence(), clock, signal: limit }, (entry) => verifier.read(entry));
        const { messages, findings, found, balance } = verifier.finish();
        const { accepted, settled, open } = balance;
        return call.json({
          messages,
          findings: findings.slice(0, MAX_FINDINGS),
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
