import { setImmediate } from 'node:timers/promises';
import { Events, type NatsConnection, type NatsError, type Status } from 'nats';
import { NotPermittedError } from '#src/core/errors.ts';
import { isNotPermitted } from './errors.ts';
import { grantOf, type Operation } from './grants.ts';

/** An operation that the server refused on this connection. */
export type Refusal = {
  /** `unknown` when the server does not name the operation, as for a limit of the account. */
  operation: Operation | 'unknown';
  /** The subject of the operation; empty for `unknown`. */
  subject: string;
  /** The missing permission, in the syntax of the server's configuration. */
  permission: string;
  /** A sentence with the operation, the user and the permission that would grant it. */
  message: string;
};

/**
 * The refusals of the server on one connection.
 *
 * NATS has no answer to a publish or a subscription. The server reports a refusal as an error of the whole connection, and the error names
 * the subject. Keeps R1, R2 and R3 (src/DESIGN.md).
 */
export interface Refusals {
  /** Calls the listener for every refusal. The returned function removes the listener. */
  listen(listener: (refusal: Refusal) => void): () => void;
  /** Calls the listener once for each missing permission, including the permissions that were found missing before. */
  onMissingPermission(listener: (message: string) => void): void;
  /** Makes a round trip. Rejects when the connection is lost before the answer; the result of earlier publishes is then unknown. */
  settle(): Promise<void>;
  /** Returns a `NotPermittedError` for an error that a missing permission caused, and any other error unchanged. */
  explain(error: unknown): unknown;
}

/** `user` is called only after a refusal, because it may compute the user's name from credentials. */
export type RefusalsOptions = { user: () => string; inboxPrefix: string; role?: string | undefined };

/** Creates the refusals of a connection. The caller must pass every status event of the connection to `note`. */
export function createRefusals(nats: NatsConnection, options: RefusalsOptions): { refusals: Refusals; note: (status: Status) => void } {
  const listeners = new Set<(refusal: Refusal) => void>();
  const permissionListeners: ((message: string) => void)[] = [];
  const messageByPermission = new Map<string, string>();

  return {
    note(status) {
      if (status.type !== Events.Error) return;
      const refusal = refusalOf(status, options);
      for (const listener of listeners) listener(refusal);
      if (messageByPermission.has(refusal.permission)) return;
      messageByPermission.set(refusal.permission, refusal.message);
      for (const listener of permissionListeners) listener(refusal.message);
    },
    refusals: {
      listen(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      onMissingPermission(listener) {
        for (const message of messageByPermission.values()) listener(message);
        permissionListeners.push(listener);
      },
      async settle() {
        await nats.flush();
        // The client reports refusals through an iterator, which is read in microtasks. All microtasks run before the next macrotask (R2).
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

function refusalOf({ data, permissionContext: context }: Reported, { user, inboxPrefix, role }: RefusalsOptions): Refusal {
  if (context === undefined) {
    const message = `NATS reported an error to ${user()}: ${String(data)}`;
    return { operation: 'unknown', subject: '', permission: message, message };
  }
  const subject = unquoted(context.subject);
  const operation = context.operation === 'publish' ? 'publish' : 'subscribe';
  const permission = grantOf(operation, subject, inboxPrefix);
  const advice = role === undefined ? '' : ` ("sequent nats-permissions --role ${role}" prints its whole set)`;
  return {
    operation,
    subject,
    permission,
    message: `NATS does not permit ${user()} to ${operation} ${operation === 'publish' ? 'to ' : ''}"${subject}"; add ${permission} to the permissions of this user${advice}`,
  };
}

/** The server quotes subjects as Go string literals. For the characters of a subject, JSON has the same syntax. */
function unquoted(subject: string): string {
  try {
    return String(JSON.parse(`"${subject}"`));
  } catch {
    return subject;
  }
}
