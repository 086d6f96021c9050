import { setTimeout as sleep } from 'node:timers/promises';
import { createArchive } from '#src/archive/segments/archive.ts';
import { createWholeLog } from '#src/archive/segments/whole-log.ts';
import { createFolderStore } from '#src/archive/stores/folder-store.ts';
import type { LogSource } from '#src/core/log/log-source.ts';
import { type Clock, systemClock } from '#src/core/ports/clock.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { createNatsLogSource } from '#src/nats/streams/log/log-source.ts';
import { type Connection, openConnection } from '#src/nats/transport/connection/connection.ts';
import { openProjection } from '#src/projection/projection.ts';
import type { Projection, ProjectionOptions } from '#src/projection/projection-port.ts';
import { createAnswers } from '#src/projection/queries/answers.ts';

export interface OpenedProjection extends AsyncDisposable {
  readonly projection: Projection;
  readonly connection: Connection;
  readonly answers: ReturnType<typeof createAnswers>;
  /** The warnings that the projection logged. */
  readonly warnings: readonly string[];
  /** Resolves when the projection holds the whole log, to the milliseconds since its start. */
  ready(withinMs?: number): Promise<number>;
}

export type OpenProjectionOptions = {
  instance?: string;
  /** The folder of the archive, if there is one. */
  archive?: string;
  clock?: Clock;
  pages?: ProjectionOptions['pages'];
  losses?: ProjectionOptions['losses'];
  /** Wraps the log of the projection, to inject failures. */
  wrap?: (source: LogSource) => LogSource;
};

/** A projection in this process, on a real server. */
export async function openProjectionOn(
  url: string,
  folder: string,
  { instance = 'p-test', archive, clock = systemClock, wrap = (source) => source, pages, losses }: OpenProjectionOptions = {},
): Promise<OpenedProjection> {
  const startedAt = performance.now();
  const connection = await openConnection({ servers: url });
  const log = createNatsLogSource({ connection });
  const source = wrap(archive === undefined ? log : createWholeLog(log, createArchive(createFolderStore(archive), log.decode)));
  const warnings: string[] = [];
  const logger = { ...silentLogger, warn: (_: object, text: string) => void warnings.push(text) };
  const optional = { ...(pages === undefined ? {} : { pages }), ...(losses === undefined ? {} : { losses }) };
  const projection = await openProjection({ source, folder, instance, clock, logger, ...optional });
  return {
    projection,
    connection,
    warnings,
    answers: createAnswers(projection, source.decode),
    async ready(withinMs = 30_000) {
      const waitingSince = performance.now();
      for (;;) {
        const { lag, isReady, rebuild } = await projection.status();
        if (lag === 0 && isReady && rebuild === null) return performance.now() - startedAt;
        if (performance.now() - waitingSince > withinMs) throw new Error(`the projection is ${lag} messages behind after ${withinMs} ms`);
        await sleep(10);
      }
    },
    async [Symbol.asyncDispose]() {
      await projection.stop();
      await connection.close();
    },
  };
}
