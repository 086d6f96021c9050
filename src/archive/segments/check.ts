import { ArchiveDamagedError } from '#src/core/errors.ts';
import type { Segment } from '#src/core/ports/stores/archive.ts';
import { BROKEN_LINK, describeChainGap, type SegmentFiles } from './archive.ts';
import { type ArchiveHead, findHeadProblem } from './head.ts';
import { parseMark } from './merkle.ts';
import { folderOf, linkOf, nameOf, parseHead } from './segment.ts';

type SegmentProblem = { segment: string; first: number; problem: string };
export type ArchiveCheck = {
  segments: Segment[];
  problems: SegmentProblem[];
  /** The segments whose content can be read. */
  readable: Segment[];
};

/**
 * Reads every segment of a log. Checks the position in the chain, the content, the order of the messages, and the end of the chain.
 *
 * Continues after a damaged segment.
 */
export async function checkArchive(
  archive: SegmentFiles,
  { log, head }: { log: string; head: ArchiveHead | undefined },
): Promise<ArchiveCheck> {
  const check: ArchiveCheck = { segments: [], problems: [], readable: [] };
  let end: End = { last: 0, link: '' };
  for (const name of await archive.store.list(folderOf(log))) {
    if (!name.endsWith('.seg')) continue;
    const first = Number(/(\d+)\.seg$/.exec(name)?.[1]);
    end = await checkSegment(archive, {
      name,
      end,
      check,
      report: (problem) => void check.problems.push({ segment: name, first, problem }),
    });
  }
  const problem = findHeadProblem(head, { last: end.last, link: end.link ?? head?.link ?? '', store: archive.store.name });
  if (problem !== undefined) check.problems.push({ segment: nameOf({ log, first: end.last + 1 }), first: end.last + 1, problem });
  return check;
}

/** The end of the checked part of the chain. The link is unknown after a segment that cannot be read. */
type End = { last: number; link: string | undefined };
type Checking = { name: string; end: End; check: ArchiveCheck; report: (problem: string) => void };

async function checkSegment(archive: SegmentFiles, { name, end, check, report }: Checking): Promise<End> {
  const segment = await archive.describeNamed(name).catch((error: unknown) => report(reasonOf(error)));
  if (segment === undefined) return { last: end.last, link: undefined };
  check.segments.push(segment);
  if (segment.first !== end.last + 1) report(describeChainGap(segment.first, end.last));
  if (end.link !== undefined && segment.previous !== end.link) report(BROKEN_LINK);
  const lines = await archive.lines(segment).catch((error: unknown) => report(reasonOf(error)));
  if (lines !== undefined) {
    for (const problem of problemsIn(segment, lines)) report(problem);
    check.readable.push(segment);
  }
  return { last: segment.last, link: linkOf(segment) };
}

function problemsIn(segment: Segment, lines: readonly string[]): string[] {
  const heads = lines.map(parseHead);
  const problems: string[] = [];
  const isOutside = heads.some(({ sequence }) => !(sequence >= segment.first && sequence <= segment.last));
  if (isOutside) problems.push(`holds messages outside of ${segment.first} to ${segment.last}`);
  if (heads.some(({ sequence }, index) => sequence <= (heads[index - 1]?.sequence ?? 0))) problems.push('holds messages out of order');
  problems.push(...changesWithoutErasure(segment, lines));
  const missing = segment.last - segment.first + 1 - lines.length;
  if (missing !== segment.missing)
    problems.push(`lacks ${missing} messages, but its description says that ${segment.missing} were missing`);
  return problems;
}

/** A change is explained only by marks, and every mark by an erasure that the description names. The root shows any other change (J4). */
function changesWithoutErasure(segment: Segment, lines: readonly string[]): string[] {
  const marks = lines.flatMap((line) => parseMark(line) ?? []);
  const problems: string[] = [];
  if (marks.length !== segment.erased) problems.push(`holds ${marks.length} erased messages, but its description says ${segment.erased}`);
  const named = new Set(marks.map(({ erasure }) => erasure));
  const unnamed = [...named].filter((erasure) => !segment.erasures.includes(erasure));
  if (unnamed.length > 0) problems.push(`holds messages that ${unnamed.join(', ')} erased, but its description names no such erasure`);
  const idle = segment.erasures.filter((erasure) => !named.has(erasure));
  if (idle.length > 0) problems.push(`names the erasures ${idle.join(', ')}, but holds no message that they erased`);
  return problems;
}

function reasonOf(error: unknown): string {
  if (error instanceof ArchiveDamagedError) return error.problem;
  return `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
}
