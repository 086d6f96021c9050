import type { Results } from '#src/core/log/results.ts';
import { subjects } from '#src/core/names/subjects.ts';
import type { NatsEventLogOptions } from '#src/nats/streams/log/event-log.ts';
import { type NotStored, PublishRetries } from '#src/nats/streams/log/publish-retries.ts';
import { maxPayloadOf } from '#src/nats/transport/connection/connection.ts';
import type { PublishAnswer } from '#src/nats/transport/publisher.ts';
import { header } from '#src/nats/wire/codec.ts';
import { wireHeaders } from '#src/nats/wire/wire-headers.ts';
import { createStoredResults } from './stored-results.ts';

/** Results on JetStream. A publish is repeated until the result is stored; a subscriber may therefore receive a result twice. */
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
        const retries = new PublishRetries({ clock, connection, startedAt, budgetInMs, id, isIdempotent: true });
        return repeat(() => publisher.publish(subject, envelope, headers), answer, retries);
      });
    },
  };
}

async function repeat(send: () => Promise<PublishAnswer>, first: NotStored, retries: PublishRetries): Promise<void> {
  for (let answer: PublishAnswer = first; answer.kind !== 'stored'; answer = await send()) await retries.wait(answer);
}
