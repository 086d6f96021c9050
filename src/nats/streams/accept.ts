import type { MsgHdrs } from 'nats';
import { LogFullError } from '#src/core/errors.ts';
import type { Accepted, EventLog, RequestMessage, StreamName } from '#src/core/log/event-log.ts';
import { encodeRequests, isDerivedRequest } from '#src/core/log/request-messages.ts';
import { subjects } from '#src/core/names/subjects.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { PublishAnswer, Publisher } from '#src/nats/transport/publisher.ts';
import { wireHeaders } from '#src/nats/wire/wire-headers.ts';
import type { LogEpoch } from './log-epoch.ts';
import { PublishRetries } from './publish-retries.ts';

type AcceptOptions = {
  publisher: Publisher;
  clock: Clock;
  budgetInMs: number;
  epoch: LogEpoch;
  /** Whether the log refuses requests at present; false when that cannot be found out. */
  isRefusing: () => Promise<boolean>;
  readRequest: (sequence: number) => Promise<RequestMessage | undefined>;
};
const REFUSES = 'its remaining space is kept for the invocations that it accepted; a shorter retention, or a larger limit, frees space';

type RequestsToPublish = { name: StreamName; subject: string; payload: string; headers: MsgHdrs; id: string };

/**
 * Publishes requests until they are stored; the `accept` of the log.
 *
 * 1. A try without an answer is repeated. A repetition is safe: it carries the same ids, and the second of two requests with one id
 *    starts nothing.
 * 2. A request with `once` carries an id for JetStream's deduplication. The server answers a duplicate with the sequence of the first
 *    message of this id, whichever process sent it.
 * 3. A try that no stream heard is refused when the log refuses requests (ADM2), unless an earlier try had no answer.
 * 4. A duplicate's message is compared. A foreign message may have used the id: then the request is published without it.
 */
export function createAccept({ publisher, clock, budgetInMs, epoch, isRefusing, readRequest }: AcceptOptions): EventLog['accept'] {
  async function publish({ subject, payload, headers, id }: RequestsToPublish): Promise<Accepted & { isDuplicate: boolean }> {
    const startedAt = clock.now();
    let retries: PublishRetries | undefined;
    for (;;) {
      const sentAfter = epoch.highest;
      const answer = await publisher.publish(subject, payload, headers);
      epoch.note(answer, sentAfter);
      if (answer.kind === 'stored') {
        const isDuplicate = answer.isDuplicate === true;
        // After a try without an answer, a duplicate is that try.
        return { sequence: answer.sequence, isDuplicate, isRepeated: isDuplicate && retries?.isUnsure !== true };
      }
      if (retries === undefined) await expectAdmission(answer);
      retries ??= new PublishRetries({ clock, startedAt, budgetInMs, id });
      if (answer.kind !== 'unknown') throw retries.failure(answer);
      await retries.wait(answer);
    }
  }

  /** Throws when no stream heard the first try because the log refuses requests. */
  async function expectAdmission(answer: PublishAnswer): Promise<void> {
    const isUnheard = answer.kind === 'unknown' && answer.isUnheard === true;
    if (isUnheard && (await isRefusing())) throw new LogFullError({ why: REFUSES });
  }

  /** Reports whether the message at a sequence is a request of this stream. */
  async function holdsRequest({ function: fn, stream }: StreamName, sequence: number): Promise<boolean> {
    const found = (await readRequest(sequence))?.name;
    return found?.function === fn && found.stream === stream;
  }

  return async (name, requests) => {
    const { payload, headers: entries } = encodeRequests(name.stream, requests);
    const subject = requests.some(isDerivedRequest) ? subjects.derived(name.function) : subjects.invoke(name.function);
    const message = { name, subject, payload, id: requests[0]?.id ?? name.stream };
    if (!requests[0]?.once) return await publish({ ...message, headers: wireHeaders(entries) });
    const once = wireHeaders([...entries, ['Nats-Msg-Id', `request.${name.function}.${name.stream}`]]);
    const { isDuplicate, ...accepted } = await publish({ ...message, headers: once });
    if (!isDuplicate || (await holdsRequest(name, accepted.sequence))) return accepted;
    return await publish({ ...message, headers: wireHeaders(entries) });
  };
}
