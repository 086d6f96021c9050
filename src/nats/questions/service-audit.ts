import type { Msg } from 'nats';
import { AuditTrail, type AuditTrailOptions } from '#src/core/audit/audit-trail.ts';
import { inboxPrefixOf } from '#src/core/names/inboxes.ts';

/*
 * Records the calls of Sequent's NATS services.
 *
 * NATS does not tell a service which user sent a message. A call is therefore recorded under the inbox that its answer was sent to, and each
 * role has an inbox of its own. A caller that names the inbox of another role hides its role, and gets no answer: the server delivers the
 * answer to that role alone. A call without an answer would hide a change only, and a change is always an entry of its own.
 */

/** `isCounted`: a frequent call that shows little. `project`: whose data the answer shows; the own project by default. */
export type ServiceCall = {
  action: string;
  status: number;
  subject?: string | undefined;
  project?: string | undefined;
  isCounted: boolean;
  /** Whether the call has an effect besides its answer. */
  isChange?: boolean;
};

export interface ServiceAudit {
  record(message: Pick<Msg, 'reply'>, call: ServiceCall): void;
  /** Sends the waiting entries. Call this function before the connection is closed. */
  flush(): Promise<boolean>;
}

const PREFIX = inboxPrefixOf('');
const GATEWAY = `nats:${roleIn(inboxPrefixOf('gateway'))}`;
const MAX_NAME = 64;
const MAX_SUBJECT = 200;
/** An id of a project, which becomes a token of a subject. */
const PROJECT = /^[A-Za-z0-9_-]{1,64}$/;

export function createServiceAudit(options: AuditTrailOptions): ServiceAudit {
  const { clock, project: own } = options;
  const trail = new AuditTrail(options);
  return {
    record({ reply }, { action, status, subject, project = own, isCounted, isChange = false }) {
      const by = callerBy(reply);
      const at = clock.now();
      const entry = { at, until: at, by, action, status, requestId: '', count: 1 };
      // The gateway records its callers itself, with what they read.
      if (by === GATEWAY && !isChange) trail.count({ ...entry, project: own });
      else {
        const about = { ...entry, project: PROJECT.test(project) ? project : own, subject: subject?.slice(0, MAX_SUBJECT) };
        if (isCounted) trail.count(about);
        else trail.add(about);
      }
    },
    flush: () => trail.flush(),
  };
}

/** `nats:` and the role whose inbox gets the answer; the first token of an inbox that is not Sequent's. */
function callerBy(reply: string | undefined): string {
  if (reply === undefined || reply === '') return 'nats:no answer';
  return `nats:${roleIn(reply.split('.', 1)[0] ?? '').slice(0, MAX_NAME)}`;
}

function roleIn(inbox: string): string {
  return inbox.startsWith(PREFIX) ? inbox.slice(PREFIX.length) : inbox;
}
