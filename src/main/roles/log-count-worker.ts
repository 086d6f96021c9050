import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '#src/core/errors.ts';
import { countLog } from '#src/gateway/operations/log-count.ts';
import { createNatsEventLog } from '#src/nats/streams/event-log.ts';
import { readFormerRequests } from '#src/nats/streams/former-requests.ts';
import { natsOptionsOf } from '#src/nats/transport/connect-options.ts';
import { openConnection } from '#src/nats/transport/connection.ts';
import { createPublisher } from '#src/nats/transport/publisher.ts';
import { openServerClock } from '#src/nats/transport/server-clock.ts';
import type { LogCountAnswer, LogCountOptions } from './log-count-thread.ts';

const { address, from } = workerData as LogCountOptions;
const connection = await openConnection({ role: 'gateway', ...natsOptionsOf(address), name: 'sequent-metrics' });
await readFormerRequests(connection);
const publisher = createPublisher(connection);
const clock = await openServerClock(connection);
const count = countLog({ log: createNatsEventLog({ connection, publisher, clock }), clock, from });

parentPort?.on('message', (question: number | 'stop') => void (question === 'stop' ? stop() : answer(question)));

async function answer(question: number): Promise<void> {
  const reply: LogCountAnswer = await count.read().then(
    (found) => ({ question, count: found }),
    (error: unknown) => ({ question, problem: messageOf(error) }),
  );
  parentPort?.postMessage(reply);
}

async function stop(): Promise<void> {
  await count.close();
  clock.close();
  publisher.close();
  await connection.close();
  parentPort?.close();
}
