import type { Msg } from 'nats';
import { messageOf } from '#src/core/errors.ts';
import type { ExecutionSignal } from '#src/core/ports/function-host.ts';
import { wireHeaders } from '#src/nats/wire/wire-headers.ts';
import { type Connection, type NatsOptions, openConnection } from './connection/connection.ts';
import { isNoResponders, isTimeout } from './errors.ts';

/** The result of a request. */
export type Reply =
  | { kind: 'reply'; payload: Uint8Array; headers: Record<string, string> }
  | { kind: 'no-responders' }
  | { kind: 'timed-out' }
  | { kind: 'unavailable'; why: string };

export type RequestOptions = { headers: Record<string, string>; timeoutInMs: number; signal: ExecutionSignal };

/**
 * Opens a connection that is only used for requests to responders. Its user needs two permissions, and none on a subject of Sequent: to
 * publish to the subjects of the responders, and to subscribe to `_INBOX_sequent_responders.>`.
 *
 * Throws `NatsUnavailableError`.
 */
export function openRequesterConnection(options: NatsOptions): Promise<Connection> {
  return openConnection({ name: 'sequent-requester', role: 'responders', ...options }, { needsJetStream: false });
}

/**
 * Creates a function that sends a request to a responder and returns the reply. It never rejects.
 *
 * It resolves to `unavailable` as soon as the connection is lost or the signal aborts. Whether the responder ran is then unknown.
 */
export function createNatsRequester(
  connection: Connection,
): (subject: string, payload: Uint8Array, options: RequestOptions) => Promise<Reply> {
  return (subject, payload, options) => {
    if (!connection.isConnected) return Promise.resolve(unavailable('the worker is not connected to NATS'));
    if (options.signal.aborted) return Promise.resolve(unavailable('the request was aborted'));
    return new Promise((resolve) => {
      const endDisconnect = connection.onDisconnect(() => end(unavailable('the connection to NATS was lost while waiting for the reply')));
      const onAbort = (): void => end(unavailable('the request was aborted'));
      options.signal.addEventListener('abort', onAbort);

      function end(reply: Reply): void {
        endDisconnect();
        options.signal.removeEventListener('abort', onAbort);
        resolve(reply);
      }
      void ask(connection, { subject, payload, options }).then(end);
    });
  };
}

async function ask(
  { nats, refusals }: Connection,
  { subject, payload, options }: { subject: string; payload: Uint8Array; options: RequestOptions },
): Promise<Reply> {
  try {
    const headers = wireHeaders(Object.entries(options.headers));
    const message = await nats.request(subject, payload, { timeout: options.timeoutInMs, headers });
    return { kind: 'reply', payload: message.data, headers: headersOf(message) };
  } catch (error) {
    if (isNoResponders(error)) return { kind: 'no-responders' };
    if (isTimeout(error)) return { kind: 'timed-out' };
    return unavailable(messageOf(refusals.explain(error)));
  }
}

function headersOf({ headers }: Msg): Record<string, string> {
  return Object.fromEntries((headers?.keys() ?? []).map((name) => [name, headers?.get(name) ?? '']));
}

const unavailable = (why: string): Reply => ({ kind: 'unavailable', why });
