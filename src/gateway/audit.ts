import type { AuditEntry } from '#src/core/ports/audit-log.ts';
import { AuditSender, type AuditSenderOptions } from './audit-sender.ts';
import type { Credential } from './auth/credentials.ts';
import { ruleOf } from './auth/route-rules.ts';
import type { AuditRecorder } from './ports.ts';

const COUNT_FOR_MS = 60_000;
const MAX_COUNTED = 1_000;

/** Actions that only read, and are recorded one by one: they show payloads, histories or code. */
const reads: ReadonlySet<string> = new Set(['invocation.read', 'code.read', 'transitions.follow', 'audit.read', 'log.verify']);
const reading = /\.(?:read|list|follow|verify)$/;

/**
 * Records who did what over HTTP, without a wait in a request.
 *
 * 1. A change, and a read of an invocation, of its payloads or of code, is an entry of its own.
 * 2. Invocations and the reads that pages repeat are counted: one entry a minute for equal calls. The log holds every invocation itself.
 * 3. A refused credential has no project, and is in the log of the process only.
 */
export function createAuditRecorder({ signal, ...options }: AuditSenderOptions & { signal: AbortSignal }): AuditRecorder {
  const { clock, project: own } = options;
  const sender = new AuditSender(options);
  const counted = new Map<string, AuditEntry>();
  const minute = setInterval(endMinute, COUNT_FOR_MS);
  minute.unref();
  signal.addEventListener('abort', () => clearInterval(minute), { once: true });

  function endMinute(): void {
    for (const entry of counted.values()) sender.add(entry);
    counted.clear();
  }

  function count(entry: AuditEntry): void {
    const key = `${entry.project} ${entry.by} ${entry.action} ${entry.status} ${entry.subject ?? ''}`;
    const present = counted.get(key);
    if (present === undefined) {
      if (counted.size >= MAX_COUNTED) endMinute();
      counted.set(key, entry);
      return;
    }
    present.count++;
    present.until = entry.until;
    present.requestId = entry.requestId;
  }

  return {
    note(call) {
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
      if (action === 'function.invoke' || (reading.test(action) && !reads.has(action))) count(entry);
      else sender.add(entry);
    },
    async flush() {
      endMinute();
      return await sender.send();
    },
  };
}

/** The credential without its secrets. */
function identityOf(credential: Credential | undefined): string {
  if (credential === undefined) return 'anonymous';
  const { accessKey, tokenHash } = credential;
  return accessKey ?? `token:${tokenHash?.toString('hex').slice(0, 12) ?? ''}`;
}

const MAX_SUBJECT = 200;

/** The function or the invocation that a path names. A refused call has not reached its route, so the pattern is applied here. */
function subjectIn(pattern: string, path: string): string | undefined {
  const index = pattern.split('/').findIndex((part) => part === ':name' || part === ':urn' || part === ':id');
  return path.split('/')[index]?.slice(0, MAX_SUBJECT);
}
