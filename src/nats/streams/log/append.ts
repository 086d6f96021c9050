import type { MsgHdrs } from 'nats';
import { hashOfAppend, shortLinkOf } from '#src/core/log/chain.ts';
import type { Append, EventLog, StoredAppend, StreamName, StreamVersion } from '#src/core/log/event-log.ts';
import { subjects } from '#src/core/names/subjects.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Publisher } from '#src/nats/transport/publisher.ts';
import { appendHeaders, encodeAppend } from '#src/nats/wire/codec.ts';
import type { LogEpoch, SentMessage } from './log-epoch.ts';
import { type NotStored, PublishRetries, type PublishRetriesOptions } from './publish-retries.ts';

type AppendOptions = Pick<PublishRetriesOptions, 'connection'> & {
  publisher: Pick<Publisher, 'publish'>;
  clock: Clock;
  /** How long an append without an answer is repeated, in milliseconds. */
  budgetInMs: number;
  epoch: LogEpoch;
  read: EventLog['read'];
};

/** An append as it is published. */
type EncodedAppend = { name: StreamName; append: Append; payload: Buffer; hash: string; headers: MsgHdrs; startedAt: number };

const LAG_PAUSES_IN_MS = [50, 100, 200, 400, 800, 1_600];

/**
 * `EventLog.append` on JetStream. An append is stored once (A1, E3):
 * 1. Every try expects the same version, so at most one try is stored.
 * 2. A try without an answer is repeated.
 * 3. A conflict after a try without an answer may be caused by that try. The append's id in the log decides.
 */
export function createAppend({ connection, publisher, clock, budgetInMs, epoch, read }: AppendOptions): EventLog['append'] {
  /** Without a frame of an async function, because nearly every append is stored at its first try: docs/performance.md V6. */
  function tryAppend(message: EncodedAppend, retries?: PublishRetries): Promise<StoredAppend | undefined> {
    const { name, append, payload, hash, headers } = message;
    const sent = epoch.sending(append.id);
    return publisher.publish(subjects.invocation(name), payload, headers).then((answer) => {
      epoch.observe(answer, sent);
      return answer.kind === 'stored'
        ? { version: answer.sequence as StreamVersion, hash }
        : retryAppend(message, { answer, sent }, retries);
    });
  }

  async function retryAppend(
    message: EncodedAppend,
    { answer, sent }: { answer: NotStored; sent: SentMessage },
    earlier: PublishRetries | undefined,
  ): Promise<StoredAppend | undefined> {
    const { name, append, startedAt } = message;
    const retries = earlier ?? new PublishRetries({ clock, connection, startedAt, budgetInMs, id: append.id });
    if (answer.kind === 'conflict') return retries.isUnsure ? await findOwn(name, append, sent) : undefined;
    await retries.wait(answer);
    return await tryAppend(message, retries);
  }

  /** Finds an append after a conflict. A new leader may show the append that caused the conflict only after a while. */
  async function findOwn(name: StreamName, { id, previous }: Append, sent: SentMessage): Promise<StoredAppend | undefined> {
    for (const pauseInMs of LAG_PAUSES_IN_MS) {
      const newer = await read(name, previous);
      const own = newer.find((found) => found.id === id);
      if (own !== undefined) epoch.found(own.version, sent);
      if (newer.length > 0) return own;
      await clock.sleep(pauseInMs);
    }
    return undefined;
  }

  return (name, append, wakeTimes) => {
    const payload = encodeAppend(append);
    const hash = hashOfAppend(payload);
    const headers = appendHeaders(append.previous, wakeTimes, shortLinkOf({ link: append.link, hash }));
    return tryAppend({ name, append, payload, hash, headers, startedAt: clock.now() });
  };
}
