import { ArchiveDamagedError } from '#src/core/errors.ts';
import type { LogSource } from '#src/core/log/log-source.ts';
import type { Segment } from '#src/core/ports/archive.ts';
import { nameOf } from './segment.ts';

/**
 * Throws when the log is not the log that was archived up to this segment (J6).
 *
 * A log that lost its last messages uses their sequences again. Its new messages would be purged as if the archive held them.
 */
export async function expectSameLog(log: LogSource, newest: Segment | undefined): Promise<void> {
  if (newest === undefined) return;
  const { first, last } = await log.state();
  if (last < newest.last) throw lostMessages(newest, `the log ends at ${last}`);
  if (first > newest.last) return;
  const found = await log.firstFrom(newest.last);
  if (found?.sequence === newest.last && found.at !== newest.lastAt)
    throw lostMessages(newest, `the log has another message with the sequence ${newest.last}`);
}

function lostMessages(segment: Segment, why: string): ArchiveDamagedError {
  const problem = `has messages that the log lost: ${why}; archive to an empty folder from now on, and keep this one`;
  return new ArchiveDamagedError({ segment: nameOf(segment), problem });
}
