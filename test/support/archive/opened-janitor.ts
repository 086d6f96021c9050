import { type Janitor, startJanitor } from '#src/archive/janitor.ts';
import type { JanitorOptions } from '#src/archive/janitor-options.ts';
import { createArchive, type SegmentFiles } from '#src/archive/segments/archive.ts';
import { type ArchiveHead, readHead } from '#src/archive/segments/head.ts';
import { createWholeLog } from '#src/archive/segments/whole-log.ts';
import { createFolderStore } from '#src/archive/stores/folder-store.ts';
import type { LogPurge } from '#src/core/log/log-purge.ts';
import type { LogSource } from '#src/core/log/log-source.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import type { ArchiveStore } from '#src/core/ports/stores/archive.ts';
import { createNatsLogPurge } from '#src/nats/streams/log/log-purge.ts';
import { createNatsLogSource } from '#src/nats/streams/log/log-source.ts';
import { type OpenedNats, openNats } from '#test/support/nats/opened-nats.ts';

/**
 * A janitor in this process, on a real server. It starts a first round at once, and later rounds only when a test calls `work`. A test that
 * writes to the log awaits `work` before, unless the first round may archive a part of it.
 */
export interface OpenedJanitor extends AsyncDisposable {
  readonly janitor: Janitor;
  readonly archive: SegmentFiles;
  readonly nats: OpenedNats;
  /** The log in NATS. */
  readonly log: LogSource;
  /** The log together with the archive. */
  readonly whole: LogSource;
  readonly purge: LogPurge;
  /** The recorded end of the archive. */
  head(): Promise<ArchiveHead | undefined>;
  /** The warnings and errors that the janitor logged. */
  readonly problems: readonly string[];
}

export type OpenJanitorOptions = Partial<Omit<JanitorOptions, 'log' | 'archive' | 'purge' | 'payloads'>> & {
  wrap?: (store: ArchiveStore) => ArchiveStore;
  wrapPurge?: (purge: LogPurge) => LogPurge;
  wrapLog?: (log: LogSource) => LogSource;
};

export async function openJanitorOn(
  url: string,
  folder: string,
  { wrap = (store) => store, wrapPurge = (purge) => purge, wrapLog = (log) => log, ...options }: OpenJanitorOptions = {},
): Promise<OpenedJanitor> {
  const nats = await openNats(url);
  const { connection, ports } = nats;
  const log = wrapLog(createNatsLogSource({ connection, deletesConsumers: true }));
  const archive = createArchive(wrap(createFolderStore(folder)), log.decode);
  const purge = wrapPurge(createNatsLogPurge({ connection, publisher: ports.publisher }));
  const problems: string[] = [];
  const record = (_: object, text: string): void => void problems.push(text);
  const janitor = startJanitor({
    name: 'j-test',
    log,
    purge,
    archive,
    payloads: ports.payloadRemoval,
    state: ports.state,
    clock: systemClock,
    logger: { ...silentLogger, warn: record, error: record },
    retention: {},
    historyRetentionInMs: undefined,
    everyInMs: 3_600_000,
    graceInMs: 0,
    ...options,
  });
  return {
    janitor,
    archive,
    nats,
    log,
    purge,
    problems,
    whole: createWholeLog(log, archive),
    head: async () => await readHead(ports.state, (await log.state()).created),
    async [Symbol.asyncDispose]() {
      await janitor.stop();
      await nats[Symbol.asyncDispose]();
    },
  };
}
