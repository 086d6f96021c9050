import type { SegmentFiles } from '#src/archive/archive.ts';
import type { SequentClient } from '#src/client/client.ts';
import type { FullLogEntry } from '#src/core/event-log.ts';
import type { LogSource } from '#src/core/log-source.ts';
import type { GlobalOptions } from './call.ts';

export type ArchiveOptions = { archive?: string };

/** The log with what was archived of it, where the options, or the environment, or the data folder say that is. */
export type OpenedArchive = {
  archive: SegmentFiles;
  whole: LogSource;
  /** Which log it is. */
  log: string;
  /** Every message, archived or not, as {@link SequentClient.follow} tells it. */
  follow: (from: number, onEntry: (entry: FullLogEntry) => void, signal: AbortSignal) => Promise<void>;
};

export const ARCHIVE_OPTION = ['--archive <place>', 'where the log is archived: a folder, or s3://… (SEQUENT_ARCHIVE)'] as const;

/** Throws `InvalidInputError` when the place cannot be an archive. */
export async function openArchiveOf(options: GlobalOptions & ArchiveOptions, { connection }: SequentClient): Promise<OpenedArchive> {
  // What a command needs is loaded when it runs.
  const { archiveOf, readConfiguration } = await import('#src/main/configuration.ts');
  const { createArchive } = await import('#src/archive/archive.ts');
  const { openArchiveStore } = await import('#src/archive/open-store.ts');
  const { createWholeLog } = await import('#src/archive/whole-log.ts');
  const { createNatsLogSource } = await import('#src/nats/log-source.ts');
  const place = archiveOf(readConfiguration({ flags: { data: options.data, archive: options.archive } }));
  const source = createNatsLogSource({ connection });
  const archive = createArchive(openArchiveStore(place, process.env), source.decode);
  const whole = createWholeLog(source, archive);
  return {
    archive,
    whole,
    log: (await source.state()).created,
    follow: (from, onEntry, signal) => whole.follow(from, ({ content }) => onEntry(content), signal),
  };
}
