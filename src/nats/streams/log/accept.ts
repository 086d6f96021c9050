import { LogFullError } from '#src/core/errors.ts';
import type { Accepted, EventLog, NewRequest, RequestMessage, StreamName } from '#src/core/log/event-log.ts';
import { encodeRequests, isDerivedRequest } from '#src/core/log/requests/request-messages.ts';
import { streamOf } from '#src/core/names/ids.ts';
import { subjects } from '#src/core/names/subjects.ts';
import { REFUSES_REQUESTS } from '#src/core/ports/admission.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { PublishAnswer, Publisher } from '#src/nats/transport/publisher.ts';
import { wireHeaders } from '#src/nats/wire/wire-headers.ts';
import type { LogEpoch, SentMessage } from './log-epoch.ts';
import { PublishRetries, type PublishRetriesOptions } from './publish-retries.ts';

type AcceptOptions = Pick<PublishRetriesOptions, 'connection'> & {
  publisher: Publisher;
  clock: Clock;
  budgetInMs: number;
  epoch: LogEpoch;
  /** Whether the log refuses requests at present; false when that cannot be found out. */
  isRefusing: () => Promise<boolean>;
  readRequest: (sequence: number) => Promise<RequestMessage | undefined>;
};

type Published = Accepted & { isDuplicate: boolean; sent: SentMessage };
type RequestsToPublish = {
  name: StreamName;
  subject: string;
  payload: string;
  entries: [name: string, value: string][];
  id: string;
  startedAt: number;
};

/**
 * Publishes requests until they are stored; the `accept` of the log.
 *
 * 1. A try without an answer is repeated. A repetition is safe: it carries the same ids, and the second of two requests with one id
 *    starts nothing.
 * 2. A request with `once` carries an id for JetStream's deduplication. The server answers a duplicate with the sequence of the first
 *    message of this id, whichever process sent it.
 * 3. A try that no stream heard is refused when the log refuses requests (ADM2), unless an earlier try had no answer.
 * 4. A duplicate's message is compared. A foreign message may have used the id: then the request is published without it.
 * 5. All tries of a request together take the budget at most, or one try when that takes longer. Then the outcome is unknown.
 * 6. A request that repeats another one first carries the id of the message that may hold that one. Either the server answers with that
 *    message, or no copy of it is stored any more (KEY1).
 */
export function createAccept({
  connection,
  publisher,
  clock,
  budgetInMs,
  epoch,
  isRefusing,
  readRequest,
}: AcceptOptions): EventLog['accept'] {
  async function publish({ name, subject, payload, entries, id, startedAt }: RequestsToPublish): Promise<Published> {
    const headers = wireHeaders(entries);
    let retries: PublishRetries | undefined;
    for (;;) {
      const sent = epoch.sending(name.stream);
      const answer = await inBudget(publisher.publish(subject, payload, headers), retries);
      epoch.observe(answer, sent);
      if (answer.kind === 'stored') {
        const isDuplicate = answer.isDuplicate === true;
        // After a try without an answer, a duplicate is that try.
        return { sequence: answer.sequence, isRepeated: isDuplicate && retries?.isUnsure !== true, isDuplicate, sent };
      }
      if (retries === undefined) await expectAdmission(answer);
      retries ??= new PublishRetries({ clock, connection, startedAt, budgetInMs, id });
      if (answer.kind !== 'unknown') throw retries.failure(answer);
      await retries.wait(answer);
    }
  }

  /** Throws when no stream heard the first try because the log refuses requests. */
  async function expectAdmission(answer: PublishAnswer): Promise<void> {
    const isUnheard = answer.kind === 'unknown' && answer.isUnheard === true;
    if (isUnheard && (await isRefusing())) throw new LogFullError({ why: REFUSES_REQUESTS });
  }

  /** Reports whether the message at a sequence is a request of one of these streams. */
  async function holdsRequest(holders: readonly StreamName[], sequence: number): Promise<boolean> {
    const found = (await readRequest(sequence))?.name;
    return holders.some(({ function: fn, stream }) => found?.function === fn && found.stream === stream);
  }

  /** Each id of `once` and `repeats` is one for JetStream's deduplication. */
  async function acceptOnce(message: RequestsToPublish, { once = false, repeats }: NewRequest): Promise<Accepted> {
    const { name, entries } = message;
    /** `undefined` when another message used the id of `stream`. */
    const publishOnce = async ({ stream }: Pick<StreamName, 'stream'>, holders: readonly StreamName[]): Promise<Accepted | undefined> => {
      const withId: typeof entries = [...entries, ['Nats-Msg-Id', `request.${name.function}.${stream}`]];
      const { isDuplicate, sent, ...accepted } = await publish({ ...message, entries: withId });
      if (!isDuplicate) return accepted;
      if (!(await holdsRequest(holders, accepted.sequence))) return undefined;
      epoch.found(accepted.sequence, sent);
      return { ...accepted, isRepeated: accepted.isRepeated || holders.length > 1 };
    };
    const repeated = repeats === undefined ? undefined : { ...name, stream: streamOf(repeats) };
    const found = repeated === undefined ? undefined : await publishOnce(repeated, [repeated, name]);
    return found ?? (once ? await publishOnce(name, [name]) : undefined) ?? (await publish(message));
  }

  return async (name, requests) => {
    const [first] = requests;
    const { payload, headers: entries } = encodeRequests(name.stream, requests);
    const subject = requests.some(isDerivedRequest) ? subjects.derived(name.function) : subjects.invoke(name.function);
    const message = { name, subject, payload, entries, id: first?.id ?? name.stream, startedAt: clock.now() };
    return first?.once || first?.repeats !== undefined ? await acceptOnce(message, first) : await publish(message);
  };
}

/** A first try ends by the time limit of the publisher. */
function inBudget(published: Promise<PublishAnswer>, retries: PublishRetries | undefined): Promise<PublishAnswer> {
  return retries === undefined ? published : retries.withinBudget(published);
}
