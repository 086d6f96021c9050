import type { Segment } from '#src/core/archive.ts';
import { ArchiveDamagedError } from '#src/core/errors.ts';
import type { SegmentFiles } from './archive.ts';
import { folderOf, linkOf, parseHead } from './segment.ts';

export type SegmentProblem = { segment: string; first: number; problem: string };
export type ArchiveCheck = { segments: Segment[]; problems: SegmentProblem[] };

/** Reads every segment of a log and judges it: its place in the chain, its content, the order of its messages. Goes on after what is wrong. */
export async function checkArchive(
  archive: SegmentFiles,
  log: string,
  onSegment: (name: string) => void = () => {},
): Promise<ArchiveCheck> {
  const check: ArchiveCheck = { segments: [], problems: [] };
  let [after, link] = [0, ''];
  for (const name of await archive.store.list(folderOf(log))) {
    if (!name.endsWith('.seg')) continue;
    onSegment(name);
    const first = Number(/(\d+)\.seg$/.exec(name)?.[1]);
    const report = (problem: string): void => void check.problems.push({ segment: name, first, problem });
    const segment = await archive.describeNamed(name).catch((error: unknown) => report(reasonOf(error)));
    if (segment === undefined) {
      // Nothing more is known of the chain: the next one may say where it goes on.
      link = UNKNOWN;
      continue;
    }
    if (segment.first !== after + 1) report(`begins at ${segment.first}, and the one before it ends at ${after}`);
    if (link !== UNKNOWN && segment.previous !== link) report('does not follow the one before it');
    for (const problem of await problemsIn(archive, segment)) report(problem);
    [after, link] = [segment.last, linkOf(segment)];
    check.segments.push(segment);
  }
  return check;
}

const UNKNOWN = 'unknown';

async function problemsIn(archive: SegmentFiles, segment: Segment): Promise<string[]> {
  let lines: string[];
  try {
    lines = await archive.lines(segment);
  } catch (error) {
    return [reasonOf(error)];
  }
  const heads = lines.map(parseHead);
  const problems: string[] = [];
  const isOutside = heads.some(({ sequence }) => !(sequence >= segment.first && sequence <= segment.last));
  if (isOutside) problems.push(`holds messages outside of ${segment.first} to ${segment.last}`);
  if (heads.some(({ sequence }, index) => sequence <= (heads[index - 1]?.sequence ?? 0))) problems.push('holds messages out of order');
  const missing = segment.last - segment.first + 1 - lines.length;
  if (missing !== segment.missing) problems.push(`lacks ${missing} messages, and says that ${segment.missing} were missing`);
  return problems;
}

function reasonOf(error: unknown): string {
  if (error instanceof ArchiveDamagedError) return error.problem;
  return `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
}
