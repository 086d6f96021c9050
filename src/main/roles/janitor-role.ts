import { randomBytes } from 'node:crypto';
import { readPlainRequests } from '#src/analysis/plain-requests.ts';
import { openSigner, type SigningKey } from '#src/archive/heads/open-signer.ts';
import { createSegmentSigner } from '#src/archive/heads/segment-signer.ts';
import { type Janitor, startJanitor } from '#src/archive/janitor.ts';
import type { JanitorOptions } from '#src/archive/janitor-options.ts';
import { createArchive } from '#src/archive/segments/archive.ts';
import { openArchiveStore } from '#src/archive/stores/open-store.ts';
import { listProjects } from '#src/core/encryption/change-project.ts';
import { HistoryUnavailableError } from '#src/core/errors.ts';
import { fallback } from '#src/core/fallback.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import type { Segment } from '#src/core/ports/stores/archive.ts';
import { openKeyValue } from '#src/nats/key-value.ts';
import { createNatsPayloadRemoval } from '#src/nats/payload-removal.ts';
import { createNatsHistory } from '#src/nats/questions/history-service.ts';
import { createNatsLogPurge } from '#src/nats/streams/log/log-purge.ts';
import { createNatsLogSource } from '#src/nats/streams/log/log-source.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { createPublisher } from '#src/nats/transport/publisher.ts';
import { type ClockBounds, openServerClock } from '#src/nats/transport/server-clock.ts';
import { FUNCTIONS_BUCKET, STATE_BUCKET } from '#src/nats/wire/topology.ts';

export type JanitorRoleOptions = {
  connection: Connection;
  archive: string;
  clockBounds?: ClockBounds;
  /** Signs the end of each segment. */
  signingKey?: SigningKey | undefined;
  logger: Logger;
} & Pick<JanitorOptions, 'retention' | 'historyRetentionInMs'>;

/** Starts the role in this process. Throws `InvalidInputError` when the archive is neither a folder nor a bucket, or the key is none. */
export async function startJanitorRole(options: JanitorRoleOptions): Promise<Pick<Janitor, 'stop'> & { reload(): Promise<void> }> {
  const { connection, archive, clockBounds, signingKey, logger, ...settings } = options;
  const onProblem = (problem: string): void => logger.warn({}, problem);
  const clock = await openServerClock(connection, { ...clockBounds, onProblem });
  const log = createNatsLogSource({ connection, onProblem, deletesConsumers: true });
  const files = createArchive(openArchiveStore(archive, { env: process.env, clock }), log.decode);
  const publisher = createPublisher(connection);
  const state = await openKeyValue(connection, STATE_BUCKET);
  // A signer with another key hashes the segments itself (HEAD2).
  const openSegmentSigner = async (key: SigningKey) => createSegmentSigner({ archive: files, state, signer: await openSigner(key), clock });
  let sign = signingKey === undefined ? undefined : await openSegmentSigner(signingKey);
  const janitor = startJanitor({
    name: `janitor-${randomBytes(4).toString('hex')}`,
    log,
    purge: createNatsLogPurge({ connection, publisher }),
    archive: files,
    payloads: createNatsPayloadRemoval(connection),
    state,
    clock,
    takesWork: () => clock.isWithinLimit,
    logger,
    findPlainRequests: await createPlainRequestsFinder(connection),
    ...(sign === undefined
      ? {}
      : { signSegment: (segment: Segment, lines: readonly string[]) => sign?.(segment, lines) ?? Promise.resolve() }),
    ...settings,
  });
  return {
    async reload() {
      if (signingKey !== undefined) sign = await openSegmentSigner(signingKey);
    },
    async stop() {
      await janitor.stop();
      clock.close();
      publisher.close();
    },
  };
}

/** A projection finds the functions. Without a project that encrypts payloads, none is asked. */
export async function createPlainRequestsFinder(connection: Connection): Promise<() => Promise<readonly string[]>> {
  const functions = await openKeyValue(connection, FUNCTIONS_BUCKET);
  const history = createNatsHistory(connection);
  return async () => {
    const encrypting = (await listProjects(functions)).filter(({ payloads }) => payloads === 'encrypted');
    if (encrypting.length === 0) return [];
    const found = await readPlainRequests((query) => history.ask('list', query), encrypting).catch(fallback([], HistoryUnavailableError));
    return found.map((one) => one.function);
  };
}
