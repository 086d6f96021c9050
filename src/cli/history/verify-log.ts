import { type Verification, Verifier } from '#src/analysis/verify/verify.ts';
import { createHeadCheck } from '#src/archive/heads/head-check.ts';
import type { SignedHead } from '#src/archive/heads/signed-head.ts';
import { findLostPart } from '#src/archive/segments/agreed-archive.ts';
import { checkArchive } from '#src/archive/segments/check.ts';
import { createWholeLog } from '#src/archive/segments/whole-log.ts';
import { readUpTo } from '#src/core/log/read-up-to.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import type { OpenedArchive } from './whole-log.ts';

/** `proved`: the last sequence up to which a signed head matches, if there are heads to compare. */
export type LogVerification = Verification & { proved?: number };

export type VerifyLogOptions = {
  from?: number;
  isStrict?: boolean;
  /** Heads that the caller believes. The log must hold what they commit to. */
  heads?: readonly SignedHead[];
  /** The results that the server counts and cannot read, if there are some. */
  findUnreadResults?: () => Promise<{ from: number; count: number } | undefined>;
  /** Called with the share of the log that is read, from 0 to 1. */
  onProgress?: (share: number) => void;
};

/** Verifies a log and its archive: every segment, then every message. Continues after a finding. */
export async function verifyLog(
  { archive, source, log, head }: Omit<OpenedArchive, 'heads'>,
  { from = 1, isStrict = false, heads = [], findUnreadResults, onProgress = () => {} }: VerifyLogOptions = {},
): Promise<LogVerification> {
  const verifier = new Verifier({ from, isWhole: true, isStrict });
  const { problems, readable } = await checkArchive(archive, { log, head });
  for (const { segment, first, problem } of problems) verifier.report('damaged-segment', first, `${segment} ${problem}`);
  // The messages of a damaged segment are a gap. All other segments are read.
  const sound = problems.length === 0 ? archive : { ...archive, segments: async () => readable };
  const lost = await findLostPart(source, sound);
  if (lost !== undefined) {
    const what = `the log lost the messages ${lost.first} to ${lost.last}, which the archive holds; they count no longer`;
    verifier.report('lost-messages', lost.first, what);
  }
  const whole = createWholeLog(source, sound);
  const { last } = await source.state();
  const check = createHeadCheck(log, heads);
  await readUpTo(whole, { from, to: last, clock: systemClock }, (entry) => {
    if (heads.length > 0) check.take(entry);
    verifier.read(entry.content);
    onProgress((entry.sequence - from) / Math.max(1, last - from));
  });
  verifier.readUpTo(last);
  const unread = await findUnreadResults?.();
  if (unread !== undefined) {
    const what = `RESULTS has fewer messages than its server counts: ${unread.count} missing, from ${unread.from} on; the log has the outcomes`;
    verifier.report('gap', unread.from, what);
  }
  const { proved, problems: differences } = check.finish();
  for (const { sequence, what } of differences) verifier.report('other-log', sequence, what);
  return { ...verifier.finish(), ...(heads.length === 0 ? {} : { proved }) };
}
