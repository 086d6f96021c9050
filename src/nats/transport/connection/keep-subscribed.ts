import type { Msg, NatsConnection } from 'nats';

/** The pause before a refused subscription is retried. An operator may grant the permission at any time. */
const RETRY_IN_MS = 5_000;

export type KeepSubscribedOptions = { subject: string; queue?: string; onMessage: (message: Msg) => void; signal: AbortSignal };

/**
 * Subscribes until the signal aborts, and retries while the server refuses the subscription. The connection reports the refusal (R3).
 *
 * nats.js reports a refusal by calling the callback with an error and without a message. An exception in a callback would end the reading
 * of the whole connection, so the callback must check for the error.
 */
export function keepSubscribed({ nats }: { nats: NatsConnection }, { subject, queue, onMessage, signal }: KeepSubscribedOptions): void {
  let timer: NodeJS.Timeout | undefined;
  let subscription = subscribe();

  function subscribe() {
    return nats.subscribe(subject, {
      ...(queue === undefined ? {} : { queue }),
      callback: (error, message) => {
        if (error === null) onMessage(message);
        else if (!signal.aborted) timer = setTimeout(resubscribe, RETRY_IN_MS).unref();
      },
    });
  }

  function resubscribe(): void {
    if (!nats.isClosed() && !nats.isDraining()) subscription = subscribe();
  }

  signal.addEventListener(
    'abort',
    () => {
      clearTimeout(timer);
      subscription.unsubscribe();
    },
    { once: true },
  );
}
