import { randomBytes } from 'node:crypto';
import { createArchive } from '#src/archive/archive.ts';
import { type Janitor, startJanitor } from '#src/archive/janitor.ts';
import type { JanitorOptions } from '#src/archive/janitor-options.ts';
import { openArchiveStore } from '#src/archive/open-store.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import { openKeyValue } from '#src/nats/key-value.ts';
import { createNatsLogPurge } from '#src/nats/streams/log-purge.ts';
import { createNatsLogSource } from '#src/nats/streams/log-source.ts';
import type { Connection } from '#src/nats/transport/connection.ts';
import { createPublisher } from '#src/nats/transport/publisher.ts';
import { type ClockBounds, openServerClock } from '#src/nats/transport/server-clock.ts';
import { STATE_BUCKET } from '#src/nats/wire/topology.ts';

export type JanitorRoleOptions = { connection: Connection; archive: string; clockBounds?: ClockBounds; logger: Logger } & Pick<
  JanitorOptions,
  'retention' | 'historyRetentionInMs'
>;

/** Starts the role in this process. Throws `InvalidInputError` when the archive is neither a folder nor a bucket. */
export async function startJanitorRole(options: JanitorRoleOptions): Promise<Pick<Janitor, 'stop'>> {
  const { connection, archive, clockBounds, logger, ...settings } = options;
  const onProblem = (problem: string): void => logger.warn({}, problem);
  const clock = await openServerClock(connection, { ...clockBounds, onProblem });
  const log = createNatsLogSource({ connection, onProblem });
  const files = createArchive(openArchiveStore(archive, { env: process.env, clock }), log.decode);
  const publisher = createPublisher(connection);
  const state = await openKeyValue(connection, STATE_BUCKET, undefined);
  const janitor = startJanitor({
    name: `janitor-${randomBytes(4).toString('hex')}`,
    log,
    purge: createNatsLogPurge({ connection, publisher }),
    archive: files,
    state,
    clock,
    takesWork: () => clock.isWithinLimit,
    logger,
    ...settings,
  });
  return {
    async stop() {
      await janitor.stop();
      clock.close();
      publisher.close();
    },
  };
}
