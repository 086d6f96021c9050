import { createHash, randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { startHeadSigner } from '#src/archive/heads/head-signer.ts';
import { openSigner, type SigningKey } from '#src/archive/heads/open-signer.ts';
import { projectionKey } from '#src/archive/retention/reader-positions.ts';
import { createArchive } from '#src/archive/segments/archive.ts';
import { createWholeLog } from '#src/archive/segments/whole-log.ts';
import { openArchiveStore } from '#src/archive/stores/open-store.ts';
import { VERSION } from '#src/client/version.ts';
import { createLossBook } from '#src/core/log/losses/loss-book.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { openKeyValue } from '#src/nats/key-value.ts';
import { serveHistory } from '#src/nats/questions/history-service.ts';
import { createServiceAudit } from '#src/nats/questions/service-audit.ts';
import { createNatsAuditLog } from '#src/nats/streams/audit-log.ts';
import { createNatsLogSource } from '#src/nats/streams/log/log-source.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { createPublisher } from '#src/nats/transport/publisher.ts';
import { type ClockBounds, openServerClock } from '#src/nats/transport/server-clock.ts';
import { STATE_BUCKET } from '#src/nats/wire/topology.ts';
import { openProjection } from '#src/projection/projection.ts';
import type { Projection } from '#src/projection/projection-port.ts';
import { createAnswers } from '#src/projection/queries/answers.ts';
import { reach } from '#src/projection/reach.ts';
import { createSqlRunner } from './processes/sql-runner.ts';
import { checkPagesInThread } from './threads/page-check-thread.ts';

export type ProjectionRoleOptions = {
  connection: Connection;
  dataDir: string;
  archive: string;
  clockBounds?: ClockBounds;
  /** Signs the head of the log once a minute. */
  signingKey?: SigningKey | undefined;
  /** The own project, for the audit log. */
  project: string;
  logger: Logger;
};

const ANNOUNCE_EVERY_MS = 5_000;
/** How often the extent of the log is read for the stored bytes of projects. */
const HELD_FRESH_FOR_MS = 5_000;
/** All pages are read once an hour, in idle time. */
const CHECK_PAGES_EVERY_MS = 3_600_000;

type ProjectionRole = {
  stop(): Promise<void>;
  reload(): Promise<void>;
  /** Gives back the memory of pages that were read before. */
  release(): void;
};

/** Starts the role in this process: a read model under the data folder, and the service that answers from it. */
export async function startProjectionRole(options: ProjectionRoleOptions): Promise<ProjectionRole> {
  const { connection, dataDir, archive, clockBounds, signingKey, project, logger } = options;
  const instance = `p-${randomBytes(5).toString('hex')}`;
  const onProblem = (problem: string): void => logger.warn({}, problem);
  const clock = await openServerClock(connection, { ...clockBounds, onProblem });
  const log = createNatsLogSource({ connection, onProblem });
  const store = openArchiveStore(archive, { env: process.env, clock });
  const state = await openKeyValue(connection, STATE_BUCKET);
  const places = { store, state };
  const signer = signingKey === undefined ? undefined : startHeadSigner({ places, signer: await openSigner(signingKey), clock, logger });
  const segments = createArchive(store, log.decode);
  const whole = createWholeLog(log, segments);
  const source = signer === undefined ? whole : signer.tap(whole);
  const losses = {
    book: createLossBook(state),
    folder: join(dataDir, 'losses'),
    host: hostname(),
    by: `projection on ${hostname()}, process ${process.pid}`,
  };
  const pages = { check: checkPagesInThread, everyInMs: CHECK_PAGES_EVERY_MS };
  const projection = await openProjection({ source, folder: join(dataDir, 'projection'), instance, clock, logger, losses, pages });
  const stopping = new AbortController();
  const announcing = announce(projection, { state, clock }, stopping.signal);
  const publisher = createPublisher(connection);
  const audit = createServiceAudit({ audit: createNatsAuditLog(connection, publisher), clock, logger, project, signal: stopping.signal });
  const answers = createAnswers(projection, source.decode, {
    runSql: createSqlRunner(),
    held: cachedFor(HELD_FRESH_FOR_MS, clock, async () => {
      const { created, first } = await log.state();
      return { first, archived: (await segments.segments(created)).at(-1)?.last ?? 0 };
    }),
  });
  const endService = await serveHistory(connection, {
    answers,
    instance,
    version: VERSION,
    project,
    audit,
    reach: (sequence) => reach(projection, sequence, clock),
  });
  return {
    async reload() {
      if (signer !== undefined && signingKey !== undefined) await signer.replace(await openSigner(signingKey));
    },
    release: () => projection.store.releaseMemory(),
    async stop() {
      stopping.abort();
      await endService();
      await audit.flush();
      publisher.close();
      await signer?.stop();
      await projection.stop();
      await announcing;
      clock.close();
    },
  };
}

/** Reads a value again when it is older than this time. */
function cachedFor<Value>(ms: number, clock: Pick<Clock, 'now'>, read: () => Promise<Value>): () => Promise<Value> {
  let cached: { at: number; value: Value } | undefined;
  return async () => {
    if (cached === undefined || clock.now() - cached.at > ms) cached = { at: clock.now(), value: await read() };
    return cached.value;
  };
}

/**
 * Publishes the checkpoint of this read model. The janitor purges no message after it.
 *
 * The key derives from host and folder, so that it is the same after a restart.
 */
type AnnouncementPorts = { state: KeyValue; clock: Clock };

async function announce(projection: Projection, { state, clock }: AnnouncementPorts, signal: AbortSignal): Promise<void> {
  const { file } = await projection.status();
  const location = createHash('sha256')
    .update(`${hostname()}:${dirname(file)}`)
    .digest('hex')
    .slice(0, 16);
  let sequence = 0;
  while (!signal.aborted) {
    // An erasure counts as read when the journal holds the erased content no more (J5).
    if (projection.store.isClean) sequence = projection.store.checkpoint?.sequence ?? 0;
    // After a failure the janitor sees an older checkpoint until the next round, and purges less.
    await state.put(projectionKey(location), JSON.stringify({ sequence, at: clock.now() })).catch(() => {});
    await clock.sleep(ANNOUNCE_EVERY_MS, signal);
  }
}
