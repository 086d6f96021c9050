import type { Results } from '#src/core/log/results.ts';
import { subjects } from '#src/core/names/subjects.ts';
import type { NatsEventLogOptions } from '#src/nats/streams/log/event-log.ts';
import { type NotStored, PublishRetries } from '#src/nats/streams/log/publish-retries.ts';
import { maxPayloadOf } from '#src/nats/transport/connection/connection.ts';
import type { PublishAnswer } from '#src/nats/transport/publisher.ts';
import { header } from '#src/nats/wire/codec.ts';
import { wireHeaders } from '#src/nats/wire/wire-headers.ts';
import { createStoredResults } from './stored-results.ts';

/**
 * Results on JetStream. A publish is repeated until the result is stored. A subscriber receives a result twice only when no look found the first
 * one before the repetition (PUB6).
 */
export function createNatsResults(options: Omit<NatsEventLogOptions, 'onProblem'>): Results {
  const { connection, publisher, clock, budgetInMs = 60_000 } = options;
  const stored = createStoredResults(connection);
  return {
    isStored: stored.has,
    get maxBytes() {
      return maxPayloadOf(connection);
    },
    publish(name, id, outcome, envelope) {
      const headers = wireHeaders([[header.requestId, id]]);
      const startedAt = clock.now();
      const subject = subjects.result(name.function, outcome);
      // Nearly every result is stored at once, and needs no frame of an async function: docs/performance.md V6.
      return publisher.publish(subject, envelope, headers).then((answer) => {
        if (answer.kind === 'stored') return undefined;
        return repeat({
          first: answer,
          send: () => publisher.publish(subject, envelope, headers),
          isStored: () => stored.has(name, id, { type: outcome, at: startedAt, envelope }),
          retries: new PublishRetries({ clock, connection, startedAt, budgetInMs, id, isIdempotent: true }),
        });
      });
    },
  };
}

type Repetition = {
  first: NotStored;
  send: () => Promise<PublishAnswer>;
  isStored: () => Promise<boolean>;
  retries: PublishRetries;
};

/** A publish without an answer may have stored the result, or may store it yet: from then on, a look precedes each further one (PUB6). */
async function repeat({ first, send, isStored, retries }: Repetition): Promise<void> {
  let isUnsure = false;
  for (let answer: PublishAnswer = first; answer.kind !== 'stored'; answer = await send()) {
    isUnsure ||= answer.kind === 'unknown';
    await retries.wait(answer);
    if (isUnsure && (await isStored())) return;
  }
}
