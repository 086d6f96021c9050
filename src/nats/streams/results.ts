import type { Results } from '#src/core/log/results.ts';
import { subjects } from '#src/core/names/subjects.ts';
import { maxPayloadOf } from '#src/nats/transport/connection.ts';
import { header } from '#src/nats/wire/codec.ts';
import { wireHeaders } from '#src/nats/wire/wire-headers.ts';
import type { NatsEventLogOptions } from './event-log.ts';
import { PublishRetries } from './publish-retries.ts';
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
    async publish(name, id, outcome, envelope) {
      const headers = wireHeaders([[header.requestId, id]]);
      const startedAt = clock.now();
      let retries: PublishRetries | undefined;
      for (;;) {
        const answer = await publisher.publish(subjects.result(name.function, outcome), envelope, headers);
        if (answer.kind === 'stored') return;
        retries ??= new PublishRetries({ clock, connection, startedAt, budgetInMs, id, isIdempotent: true });
        await retries.wait(answer);
      }
    },
  };
}
