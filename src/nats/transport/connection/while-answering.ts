import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { NatsUnavailableError } from '#src/core/errors.ts';
import type { Connection } from './connection.ts';

/** A server that answers no ping for so long is frozen, or its network is cut. An ordinary request waits for 5 s. */
const SILENT_AFTER_MS = 6_000;
const PINGS_EVERY_MS = 1_000;

type Watched = Pick<Connection, 'nats' | 'servers'>;
type Options = {
  /** Whether the work outlasts an outage, at this moment. */
  mayWait?: () => boolean;
};

/**
 * Resolves to the result of the work. Closes the connection and throws `NatsUnavailableError` when the server answers no ping for six seconds.
 *
 * The log repeats its reads and its publishes for much longer, because a role outlasts an outage. A person at a command line does not.
 */
export async function whileAnswering<Value>(connection: Watched, work: Promise<Value>, options: Options = {}): Promise<Value> {
  const ended = new AbortController();
  try {
    return await Promise.race([work, silenceOf(connection, ended.signal, options)]);
  } finally {
    ended.abort();
  }
}

/** Rejects when the server is silent. Rejects too when the signal aborts; nobody awaits the silence then. */
async function silenceOf({ nats, servers }: Watched, signal: AbortSignal, { mayWait = () => false }: Options): Promise<never> {
  for (;;) {
    const ping = { isAnswered: false };
    const answer = nats.flush().then(
      () => {
        ping.isAnswered = true;
      },
      // Without a connection there is no answer.
      () => delay(SILENT_AFTER_MS, undefined, { ref: false, signal }),
    );
    await Promise.race([answer, delay(SILENT_AFTER_MS, undefined, { ref: false, signal })]);
    // An answer may have arrived while the event loop was busy.
    await nextTurn();
    await nextTurn();
    if (!ping.isAnswered && !mayWait() && !nats.isClosed()) break;
    await delay(PINGS_EVERY_MS, undefined, { ref: false, signal });
  }
  await nats.close();
  throw new NatsUnavailableError({ servers, why: `it has answered nothing for ${SILENT_AFTER_MS / 1_000} s` });
}
