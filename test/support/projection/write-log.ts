import { randomBytes } from 'node:crypto';
import { headers } from 'nats';
import type { Fact } from '#machines/facts.ts';
import type { Append, StreamVersion } from '#src/core/log/event-log.ts';
import { createStreamId } from '#src/core/names/ids.ts';
import type { StreamId } from '#src/core/names/names.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { createPublisher } from '#src/nats/transport/publisher.ts';
import { appendHeaders, encodeAppend } from '#src/nats/wire/codec.ts';

const terms = {
  revision: 1,
  timeoutInMs: 3_000,
  maxRetries: 1,
  maxAgeInMs: 3_600_000,
  backoff: { initialInMs: 1_000, factor: 2, maxInMs: 60_000, jitter: 0.2 },
};
const functions = ['orders', 'mails', 'invoices', 'thumbnails', 'reports', 'billing', 'exports', 'search'];
const IN_FLIGHT = 512;

/** Writes invocations into the log as a worker does: a request, then `running`, then the outcome with `notified`. */
export async function writeLog(connection: Connection, count: number): Promise<void> {
  const publisher = createPublisher(connection, { timeoutInMs: 60_000 });
  let index = 0;
  const writers = Array.from({ length: IN_FLIGHT }, async () => {
    for (let i = index++; i < count; i = index++) await writeLife(publisher, i);
  });
  await Promise.all(writers);
  publisher.close();
}

async function writeLife(publisher: ReturnType<typeof createPublisher>, i: number): Promise<void> {
  const name = functions[i % functions.length] ?? '';
  const id = createStreamId(Date.now(), randomBytes(8));
  const found = headers();
  found.set('Request-Id', id);
  if (i % 97 === 0) found.set('Qualifier', 'v2');
  if (i % 89 === 0) found.set('Lineage', `root-${i % 1_000}/parent-${i % 5_000}/1`);
  const request = await publish(
    publisher,
    `${i % 89 === 0 ? 'derived' : 'invoke'}.${name}`,
    JSON.stringify({ order: i, customer: `c-${i % 10_000}`, note: 'please pack it well' }),
    found,
  );
  const at = Date.now();
  const running = await append(publisher, { name, id, request, previous: 0 }, [
    { type: 'running', invocation: id, at, attempt: 1, worker: 'w-1', terms },
  ]);
  const outcome: Fact =
    i % 50 === 0
      ? {
          type: 'failed',
          invocation: id,
          at: at + (i % 400),
          attempt: 1,
          condition: i % 1_000 === 0 ? 'SystemError' : 'UnhandledInvocationError',
          failure: { kind: 'function', errorType: 'TypeError', message: `cannot read the stock of item ${i % 3_000}`, code: 4_002 },
        }
      : { type: 'succeeded', invocation: id, at: at + (i % 400), attempt: 1, payload: `{"shipped":${i}}` };
  await append(publisher, { name, id, request, previous: running }, [outcome, { type: 'notified', invocation: id, at: at + (i % 400) }]);
}

type Stream = { name: string; id: StreamId; request: number; previous: number };

async function append(
  publisher: ReturnType<typeof createPublisher>,
  { name, id, request, previous }: Stream,
  facts: Fact[],
): Promise<number> {
  const written: Append = { id: `w-1-${id}-${previous}`, previous: previous as StreamVersion, request, by: 'w-1', facts };
  const [first] = facts;
  const wakeTimes = first?.type === 'running' ? { inProgressSince: first.at } : {};
  return await publish(publisher, `invocation.${name}.${id}`, encodeAppend(written), appendHeaders(previous as StreamVersion, wakeTimes));
}

async function publish(
  publisher: ReturnType<typeof createPublisher>,
  subject: string,
  data: string | Uint8Array,
  found: Parameters<typeof publisher.publish>[2],
): Promise<number> {
  const answer = await publisher.publish(subject, data, found);
  if (answer.kind !== 'stored') throw new Error(`${subject} was not stored: ${answer.kind}`);
  return answer.sequence;
}
