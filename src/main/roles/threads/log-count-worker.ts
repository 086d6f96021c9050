import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '#src/core/errors.ts';
import { countLog } from '#src/gateway/metrics/log-count.ts';
import { countUsage } from '#src/gateway/quotas/log-usage.ts';
import { createNatsEventLog } from '#src/nats/streams/log/event-log.ts';
import { readLogState } from '#src/nats/streams/log/log-state.ts';
import { natsOptionsOf } from '#src/nats/transport/connection/connect-options.ts';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { createPublisher } from '#src/nats/transport/publisher.ts';
import { openServerClock } from '#src/nats/transport/server-clock.ts';
import type { LogCountAnswer, LogCountOptions, LogCountQuestion } from './log-count-thread.ts';

const { address, from } = workerData as LogCountOptions;
const connection = await openConnection({ role: 'gateway', ...natsOptionsOf(address), name: 'sequent-metrics' });
const publisher = createPublisher(connection);
const clock = await openServerClock(connection);
const log = createNatsEventLog({ connection, publisher, clock });
// Each is counted from its first question on.
let metrics: ReturnType<typeof countLog> | undefined;
const usage = countUsage({ log, clock, from, extent: () => readLogState(connection) });

parentPort?.on('message', (asked: LogCountQuestion | 'stop') => void (asked === 'stop' ? stop() : answer(asked)));

async function count(about: LogCountQuestion['about']): Promise<unknown> {
  if (about !== 'metrics') return usage.read({ bytes: about === 'usage with bytes' });
  metrics ??= countLog({ log, clock, from });
  return await metrics.read();
}

async function answer({ question, about }: LogCountQuestion): Promise<void> {
  const reply: LogCountAnswer = await count(about).then(
    (found) => ({ question, count: found }),
    (error: unknown) => ({ question, problem: messageOf(error) }),
  );
  parentPort?.postMessage(reply);
}

async function stop(): Promise<void> {
  await Promise.all([metrics?.close(), usage.close()]);
  clock.close();
  publisher.close();
  await connection.close();
  parentPort?.close();
}
