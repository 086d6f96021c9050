import type { Msg, Subscription, SubscriptionOptions } from 'nats';
import type { Connection } from '#src/nats/transport/connection/connection.ts';

/**
 * Returns a connection whose received payloads are changed: `tamper` receives each payload of a subscription with its number, and returns
 * the payload that is delivered instead.
 */
export function tamperAnswers(connection: Connection, tamper: (answer: string, count: number) => string): Connection {
  let count = 0;
  const subscribe = (subject: string, options: SubscriptionOptions = {}): Subscription => {
    const { callback } = options;
    if (callback === undefined) throw new Error('only subscriptions with a callback are tampered with');
    return connection.nats.subscribe(subject, {
      ...options,
      callback: (error, message) => callback(error, error === null ? withPayload(message, tamper(message.string(), count++)) : message),
    });
  };
  return { ...connection, nats: overriding(connection.nats, { subscribe }), isConnected: true };
}

function withPayload(message: Msg, payload: string): Msg {
  return overriding(message, { data: Buffer.from(payload), string: () => payload });
}

/** The target with other members. */
export function overriding<Target extends object>(target: Target, replaced: Partial<Record<keyof Target, unknown>>): Target {
  return new Proxy(target, {
    get(original, key) {
      if (Object.hasOwn(replaced, key)) return replaced[key as keyof Target];
      const value = Reflect.get(original, key, original) as unknown;
      return typeof value === 'function' ? value.bind(original) : value;
    },
  }) as Target;
}
