import type { Msg } from 'nats';
import { messageOf } from '#src/core/errors.ts';
import { wireHeaders } from '#src/nats/wire/wire-headers.ts';
import { type Connection, type NatsOptions, openConnection } from './connection.ts';
import { isNoResponders, isTimeout } from './errors.ts';

/** How a request on a subject ended. */
export type Reply =
  | { kind: 'reply'; payload: Uint8Array; headers: Record<string, string> }
  | { kind: 'no-responders' }
  | { kind: 'timed-out' }
  | { kind: 'unavailable'; why: string };

export type RequestOptions = { headers: Record<string, string>; timeoutInMs: number; signal: AbortSignal };

/** The replies to requests arrive below this subject. */
const INBOX_PREFIX = '_INBOX.functions';

/**
 * A connection for requests to responders alone. Its user needs no permission on a subject of Sequent: to publish on the subjects of
 * the responders, and to subscribe `_INBOX.functions.>`.
 *
 * Throws `NatsUnavailableError`.
 */
export function openRequesterConnection(options: NatsOptions): Promise<Connection> {
  return openConnection({ name: 'sequent-requester', inboxPrefix: INBOX_PREFIX, ...options }, { needsJetStream: false });
}

/**
 * Asks responders by request and reply. Never rejects.
 *
 * Says `unavailable` as soon as the connection is lost or the signal aborts: whether the responder ran is unknown then.
 */
export function createNatsRequester(
  connection: Connection,
): (subject: string, payload: Uint8Array, options: RequestOptions) => Promise<Reply> {
  return (subject, payload, options) => {
    if (!connection.isConnected) return Promise.resolve(unavailable('the worker is not connected to NATS'));
    if (options.signal.aborted) return Promise.resolve(unavailable('given up'));
    return new Promise((resolve) => {
      const endDisconnect = connection.onDisconnect(() => end(unavailable('the connection to NATS was lost while waiting for the reply')));
      const onAbort = (): void => end(unavailable('given up'));
      options.signal.addEventListener('abort', onAbort, { once: true });

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
    const sent = wireHeaders(Object.entries(options.headers));
    const message = await nats.request(subject, payload, { timeout: options.timeoutInMs, headers: sent });
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
