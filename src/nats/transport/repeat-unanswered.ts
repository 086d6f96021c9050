import type { NatsConnection } from 'nats';
import { isTimeout } from './errors.ts';

const REPEATS_FOR_MS = 30_000;

export type RepeatOptions = {
  apiPrefix: string;
  /** Whether this process ends, which ends the repetitions. */
  isEnding: () => boolean;
  /** Gets a sentence for the log. */
  onUnanswered: (problem: string) => void;
};

/**
 * From now on and for 30 s, sends a request of JetStream's API again when it got no answer within its timeout.
 *
 * A cluster that has just started loses requests and answers, until its servers know the subscriptions of each other. A process that starts
 * then would end. It may send each of its requests twice: a request of a start reads, or creates what may exist.
 */
export function repeatUnanswered(nats: NatsConnection, { apiPrefix, isEnding, onUnanswered }: RepeatOptions): void {
  const send = nats.request.bind(nats);
  const deadline = performance.now() + REPEATS_FOR_MS;
  nats.request = async (subject, payload, options) => {
    while (subject.startsWith(`${apiPrefix}.`) && performance.now() < deadline) {
      try {
        return await send(subject, payload, options);
      } catch (error) {
        if (!isTimeout(error) || isEnding() || nats.isClosed()) throw error;
        onUnanswered(`NATS does not answer ${subject}: it is asked again`);
      }
    }
    return await send(subject, payload, options);
  };
}
