import type { HeadFiles } from '#src/archive/heads/head-files.ts';
import type { SegmentFiles } from '#src/archive/segments/archive.ts';
import type { ArchiveHead } from '#src/archive/segments/head.ts';
import type { SequentClient } from '#src/client/client.ts';
import type { LogSource } from '#src/core/log/log-source.ts';
import type { GlobalOptions } from '../call.ts';

export type ArchiveOptions = { archive?: string };

/** The log and its archive. Options or the environment name the location of the archive; by default it is in the data folder. */
export type OpenedArchive = {
  archive: SegmentFiles;
  /** The log as NATS holds it. */
  source: LogSource;
  /** The time of creation of the log, which identifies the log. */
  log: string;
  /** How far the log is archived; `undefined` before the first segment. */
  head: ArchiveHead | undefined;
  /** The signed heads of the log, from the archive and from NATS. */
  heads: HeadFiles;
};

export const ARCHIVE_OPTION = ['--archive <location>', 'the archive of the log: a folder, or s3://… (SEQUENT_ARCHIVE)'] as const;

/** Throws `InvalidInputError` when the location cannot be an archive. */
export async function openArchiveOf(options: GlobalOptions & ArchiveOptions, { connection }: SequentClient): Promise<OpenedArchive> {
  // Imported on use, because the help needs none of these modules.
  const { archiveOf, readConfiguration } = await import('#src/main/config/configuration.ts');
  const { createArchive } = await import('#src/archive/segments/archive.ts');
  const { openArchiveStore } = await import('#src/archive/stores/open-store.ts');
  const { readHead } = await import('#src/archive/segments/head.ts');
  const { openHeads } = await import('#src/archive/heads/heads.ts');
  const { createNatsLogSource } = await import('#src/nats/streams/log/log-source.ts');
  const { openKeyValue } = await import('#src/nats/key-value.ts');
  const { STATE_BUCKET } = await import('#src/nats/wire/topology.ts');
  const location = archiveOf(readConfiguration({ flags: { data: options.data, archive: options.archive }, env: options.host.env }));
  const source = createNatsLogSource({ connection });
  const archive = createArchive(openArchiveStore(location, { env: options.host.env }), source.decode);
  const { created } = await source.state();
  const state = await openKeyValue(connection, STATE_BUCKET);
  return {
    archive,
    source,
    log: created,
    head: await readHead(state, created),
    heads: openHeads({ store: archive.store, state }, created),
  };
}
