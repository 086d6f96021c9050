import { AuditTrail, type AuditTrailOptions } from '#src/core/audit/audit-trail.ts';
import type { AuditEntry } from '#src/core/ports/stores/audit-log.ts';
import { describeRule } from './auth/client-certificate.ts';
import type { Credential } from './auth/credentials.ts';
import { ruleOf } from './auth/route-rules.ts';
import type { AuditRecorder } from './ports.ts';

/** Actions that only read, and are recorded one by one: they show payloads, histories or code. */
const reads: ReadonlySet<string> = new Set([
  'invocation.read',
  'code.read',
  'logs.read',
  'logs.follow',
  'transitions.follow',
  'audit.read',
  'log.verify',
]);
const reading = /\.(?:read|list|follow|verify)$/;

/**
 * Records who did what over HTTP, without a wait in a request.
 *
 * 1. A change, and a read of an invocation, of its payloads or of code, is an entry of its own.
 * 2. Invocations and the reads that pages repeat are counted: one entry a minute for equal calls. The log holds every invocation itself.
 * 3. A refused credential has no project, and is in the log of the process only.
 */
export function createAuditRecorder(options: AuditTrailOptions): AuditRecorder {
  const { clock, project: own } = options;
  const trail = new AuditTrail(options);
  return {
    record(call) {
      // Without a body the call was refused before its caller was known.
      const rule = call.get('body') === undefined ? undefined : ruleOf(call);
      if (rule === undefined) return;
      const { action, path } = rule;
      const now = clock.now();
      const entry: AuditEntry = {
        at: now,
        until: now,
        project: call.get('project') ?? own,
        by: identityOf(call.get('credential')),
        action,
        subject: subjectIn(path, call.req.path),
        status: call.res.status,
        requestId: call.get('requestId'),
        count: 1,
      };
      if (action === 'function.invoke' || (reading.test(action) && !reads.has(action))) trail.count(entry);
      else trail.add(entry);
    },
    add: (entry) => trail.add(entry),
    flush: () => trail.flush(),
  };
}

/** The credential without its secrets. */
export function identityOf(credential: Credential | undefined): string {
  if (credential === undefined) return 'anonymous';
  const { accessKey, tokenHash, certificate } = credential;
  if (accessKey !== undefined) return accessKey;
  return certificate === undefined ? `token:${tokenHash?.toString('hex').slice(0, 12) ?? ''}` : describeRule(certificate);
}

const MAX_SUBJECT = 200;

/** The function or the invocation that a path names. A refused call has not reached its route, so the pattern is applied here. */
function subjectIn(pattern: string, path: string): string | undefined {
  const index = pattern.split('/').findIndex((part) => part === ':name' || part === ':urn' || part === ':id');
  return path.split('/')[index]?.slice(0, MAX_SUBJECT);
}
