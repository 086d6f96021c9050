import { setImmediate } from 'node:timers/promises';
import { Events, type NatsConnection, type NatsError, type Status } from 'nats';
import { NotPermittedError } from '#src/core/errors.ts';
import { isNotPermitted } from './errors.ts';
import { grantOf, type Operation } from './grants.ts';

/** Something that the server refused to do for this connection. */
export type Refusal = {
  /** `unknown` when the server does not say what it was, as for a limit of the account. */
  operation: Operation | 'unknown';
  /** The subject as it was used; empty for `unknown`. */
  subject: string;
  /** The permission that is missing, as the configuration of the server has it. */
  permission: string;
  /** What was refused, to which user, and what grants it. */
  message: string;
};

/**
 * What the server refuses on one connection. The protocol of NATS has no answer to a publish or a subscription: a refusal is an
 * error of the whole connection that names the subject. Keeps R1, R2 and R3 (src/DESIGN.md).
 */
export interface Refusals {
  /** Calls back for every refusal; returns what ends that. */
  listen(listener: (refusal: Refusal) => void): () => void;
  /** Calls back once for each missing permission, also for those that are known already. */
  tell(teller: (message: string) => void): void;
  /** Makes a round trip. Rejects when the connection is lost before the answer: what the server did with a publish is unknown then. */
  settle(): Promise<void>;
  /** The error itself, or a `NotPermittedError` in place of one that a missing permission caused. */
  explain(error: unknown): unknown;
}

/** `user` is asked for when there is a refusal. */
export type RefusalsOptions = { user: () => string; inboxPrefix: string };

/** Also returns the function that must be given each status of the connection. */
export function createRefusals(nats: NatsConnection, options: RefusalsOptions): { refusals: Refusals; note: (status: Status) => void } {
  const listeners = new Set<(refusal: Refusal) => void>();
  const tellers: ((message: string) => void)[] = [];
  const told = new Map<string, string>();

  return {
    note(status) {
      if (status.type !== Events.Error) return;
      const refusal = refusalOf(status, options);
      for (const listener of listeners) listener(refusal);
      if (told.has(refusal.permission)) return;
      told.set(refusal.permission, refusal.message);
      for (const teller of tellers) teller(refusal.message);
    },
    refusals: {
      listen(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      tell(teller) {
        for (const message of told.values()) teller(message);
        tellers.push(teller);
      },
      async settle() {
        await nats.flush();
        // The client reports through an iterator, which is read in microtasks: all of those have run before the next macrotask (R2).
        await setImmediate();
      },
      explain(error) {
        if (!isNotPermitted(error)) return error;
        return new NotPermittedError(refusalOf({ data: error.message, ...contextOf(error) }, options), { cause: error });
      },
    },
  };
}

type Reported = Pick<Status, 'data' | 'permissionContext'>;

const contextOf = ({ permissionContext }: NatsError): Pick<Reported, 'permissionContext'> =>
  permissionContext === undefined ? {} : { permissionContext };

function refusalOf({ data, permissionContext: context }: Reported, { user, inboxPrefix }: RefusalsOptions): Refusal {
  if (context === undefined) {
    const message = `NATS reported an error to ${user()}: ${String(data)}`;
    return { operation: 'unknown', subject: '', permission: message, message };
  }
  const subject = unquoted(context.subject);
  const operation = context.operation === 'publish' ? 'publish' : 'subscribe';
  const permission = grantOf(operation, subject, inboxPrefix);
  return {
    operation,
    subject,
    permission,
    message: `NATS does not permit ${user()} to ${operation} ${operation === 'publish' ? 'to ' : ''}"${subject}"; add ${permission} to the permissions of this user`,
  };
}

/** The server quotes subjects as Go does, which for the characters of a subject is as JSON does. */
function unquoted(subject: string): string {
  try {
    return String(JSON.parse(`"${subject}"`));
  } catch {
    return subject;
  }
}
