import type { Msg, NatsConnection } from 'nats';

/** While a subscription is refused, it is tried again this often: somebody may grant the permission. */
const AGAIN_AFTER_MS = 5_000;

export type KeepSubscribedOptions = { queue?: string; signal: AbortSignal };

/**
 * Subscribes until the signal aborts, and again while the server refuses it. The refusal is told by the connection (R3).
 *
 * A refusal comes to the callback as an error without a message. A callback that ignores it throws, and what a callback throws ends the
 * reading of the whole connection.
 */
export function keepSubscribed(
  { nats }: { nats: NatsConnection },
  subject: string,
  onMessage: (message: Msg) => void,
  { queue, signal }: KeepSubscribedOptions,
): void {
  let timer: NodeJS.Timeout | undefined;
  let subscription = subscribe();

  function subscribe() {
    return nats.subscribe(subject, {
      ...(queue === undefined ? {} : { queue }),
      callback: (error, message) => {
        if (error === null) onMessage(message);
        else if (!signal.aborted) timer = setTimeout(again, AGAIN_AFTER_MS).unref();
      },
    });
  }

  function again(): void {
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
