import { z } from 'zod';
import type { Gateway } from '../../ports.ts';
import { scopeOf } from '../../scope.ts';
import { time } from '../common-schemas.ts';
import type { Routes } from '../route.ts';

const DAY_IN_MS = 86_400_000;

const auditQuerySchema = z.strictObject({
  since: time.optional().describe('only entries since this time; since a day ago by default'),
  key: z.string().max(200).optional().describe('only entries of this access key or token, or of nats:<role>'),
  action: z.string().max(100).optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100).describe('the newest entries'),
});

const auditSchema = z.object({
  entries: z.array(
    z.object({
      at: z.string(),
      until: z.string(),
      by: z.string(),
      action: z.string(),
      subject: z.string().optional(),
      status: z.int(),
      request_id: z.string(),
      count: z.int(),
      why: z.string().optional().describe('the reason of a decision that Sequent made by itself'),
    }),
  ),
});

/** The audit log of the project of the caller. */
export function addAuditRoute(routes: Routes, gateway: Gateway): void {
  routes.add(
    {
      method: 'get',
      path: '/api/audit',
      summary: 'Who did what over HTTP and NATS services in this project, the oldest first',
      query: auditQuerySchema,
      answers: { 200: { description: 'the newest entries that match', schema: auditSchema } },
    },
    async (call, { query: { since = gateway.clock.now() - DAY_IN_MS, key, action, limit } }) => {
      const { project } = scopeOf(call, gateway);
      const entries = await gateway.audit.read({ project, since, by: key, action }, limit);
      return call.json({
        entries: entries.map(({ at, until, by, action: done, subject, status, requestId, count, why }) => ({
          at: new Date(at).toISOString(),
          until: new Date(until).toISOString(),
          by,
          action: done,
          ...(subject === undefined ? {} : { subject }),
          status,
          request_id: requestId,
          count,
          ...(why === undefined ? {} : { why }),
        })),
      });
    },
  );
}
