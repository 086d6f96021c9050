import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '#src/core/clock.ts';
import type { Logger } from '#src/core/logger.ts';
import type { Connection } from '#src/nats/connection.ts';
import { createNatsLogSource } from '#src/nats/log-source.ts';
import { serveHistory } from '#src/nats/projection-service.ts';
import { createAnswers } from '#src/projection/answers.ts';
import { openProjection } from '#src/projection/projection.ts';

export type ProjectionRoleOptions = { connection: Connection; dataDir: string; logger: Logger };

/** The role in this process: a read model under the data folder, and the service that answers from it. */
export async function startProjectionRole({ connection, dataDir, logger }: ProjectionRoleOptions): Promise<{ stop(): Promise<void> }> {
  const instance = `p-${randomBytes(5).toString('hex')}`;
  const source = createNatsLogSource({ connection, onProblem: (problem) => logger.warn({}, problem) });
  const projection = await openProjection({ source, folder: join(dataDir, 'projection'), instance, clock: systemClock, logger });
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  const endService = await serveHistory(connection, { answers: createAnswers(projection, source.decode), instance, version });
  return {
    async stop() {
      await endService();
      await projection.stop();
    },
  };
}
