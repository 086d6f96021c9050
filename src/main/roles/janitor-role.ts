import { randomBytes } from 'node:crypto';
import { createArchive } from '#src/archive/archive.ts';
import { type Janitor, startJanitor } from '#src/archive/janitor.ts';
import type { JanitorOptions } from '#src/archive/janitor-options.ts';
import { openArchiveStore } from '#src/archive/open-store.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import { openKeyValue } from '#src/nats/key-value.ts';
import { createNatsLogPurge } from '#src/nats/streams/log-purge.ts';
import { createNatsLogSource } from '#src/nats/streams/log-source.ts';
import type { Connection } from '#src/nats/transport/connection.ts';
import { createPublisher } from '#src/nats/transport/publisher.ts';
import { STATE_BUCKET } from '#src/nats/wire/topology.ts';

export type JanitorRoleOptions = { connection: Connection; archive: string; logger: Logger } & Pick<
  JanitorOptions,
  'retention' | 'historyRetentionInMs'
>;

/** Starts the role in this process. Throws `InvalidInputError` when the archive is neither a folder nor a bucket. */
export async function startJanitorRole({ connection, archive, logger, ...settings }: JanitorRoleOptions): Promise<Pick<Janitor, 'stop'>> {
  const log = createNatsLogSource({ connection, onProblem: (problem) => logger.warn({}, problem) });
  const files = createArchive(openArchiveStore(archive, process.env), log.decode);
  const publisher = createPublisher(connection);
  const state = await openKeyValue(connection, STATE_BUCKET, undefined);
  const janitor = startJanitor({
    name: `janitor-${randomBytes(4).toString('hex')}`,
    log,
    purge: createNatsLogPurge({ connection, publisher }),
    archive: files,
    state,
    clock: systemClock,
    logger,
    ...settings,
  });
  return {
    async stop() {
      await janitor.stop();
      publisher.close();
    },
  };
}
