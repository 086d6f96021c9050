import { setImmediate } from 'node:timers/promises';
import { ArchiveDamagedError, messageOf } from '#src/core/errors.ts';
import type { LogSource } from '#src/core/log/log-source.ts';
import type { Segment } from '#src/core/ports/stores/archive.ts';
import { readProvedFloor, SCHEDULER_FLOOR } from '#src/core/ports/stores/saved-floor.ts';
import { performErasures } from './erasure/erasure-run.ts';
import { requestPlainErasures } from './erasure/plain-requests.ts';
import type { JanitorOptions } from './janitor-options.ts';
import { createHorizon, type Horizon } from './retention/horizon.ts';
import { readPart, upToSequence } from './retention/read-part.ts';
import { RetainedStreams } from './retention/retained-streams.ts';
import { findHeadProblem, readHead, writeHead } from './segments/head.ts';
import { encodeSegment, linkOf, nameOf } from './segments/segment.ts';
import { createWholeLog } from './segments/whole-log.ts';

type RoundOptions = { signal: AbortSignal; renewLease: () => Promise<boolean> };

/** The end of the archive of a log. */
type End = { log: string; last: number; link: string };
/** The fold of the archived part of the log that the log still holds. */
type Fold = { streams: RetainedStreams; horizon: Horizon; end: End; isPurged: boolean };

/**
 * The rounds of a janitor. One round writes at most one segment:
 *
 * 0. Compare the log with the end of the archive (J6).
 * 1. Read the messages of the segment, up to the limit of the retention.
 * 2. Write the segment under a name that no other janitor can take, read it back and compare (J1).
 * 3. Record the new end of the archive in the state store, and sign it if a key is configured (HEAD3).
 * 4. Purge the removable messages from the log (J2), unless an erasure is unfinished (J5).
 *
 * A killed round leaves a segment, a head or a log that the next round continues from (J3).
 */
export class JanitorRounds {
  readonly #options: JanitorOptions;
  readonly #signal: AbortSignal;
  readonly #renewLease: RoundOptions['renewLease'];
  readonly #maxRemovable: number;
  #fold: Fold | undefined;

  constructor(options: JanitorOptions, { signal, renewLease }: RoundOptions) {
    this.#options = options;
    this.#signal = signal;
    this.#renewLease = renewLease;
    const { retention, maxRemovable = Math.min(20_000, (retention.maxInvocations ?? Number.POSITIVE_INFINITY) / 10) } = options;
    this.#maxRemovable = maxRemovable;
  }

  /** Resolves to true when another round has work at once. */
  async run(): Promise<boolean> {
    const { log, archive, purge, retention } = this.#options;
    try {
      const { created } = await log.state();
      await expectSameLog(log, (await archive.segments(created)).at(-1));
      await requestPlainErasures(this.#options);
      const mayPurge = await performErasures(this.#options, {
        signal: this.#signal,
        archiveUpTo: async (sequence) => {
          while (await this.#advance(created, { upTo: sequence }));
          return this.#fold?.end.last ?? 0;
        },
      });
      await limitHistory(this.#options);
      if (retention.maxInvocations !== undefined) await purge.limitResults(retention.maxInvocations);
      return await this.#advance(created, { mayPurge });
    } catch (error) {
      // The fold may be ahead of the archive.
      this.#fold = undefined;
      throw error;
    }
  }

  /**
   * Archives one segment, and purges the removable messages. With `upTo`, the retention does not count. Resolves to true when more segments
   * are due.
   */
  async #advance(created: string, { upTo, mayPurge = false }: { upTo?: number; mayPurge?: boolean }): Promise<boolean> {
    const { log, clock } = this.#options;
    const fold = await this.#loadFold(created);
    this.#fold = fold;
    if (mayPurge && !fold.isPurged) await this.#purge(fold);
    const { streams, horizon } = fold;
    const limit = await horizon.limit(fold.end.last, { streams, upTo });
    if (limit === undefined) return false;
    const part = await readPart(log, { from: fold.end.last + 1, limit, streams, signal: this.#signal, clock });
    if (part.lines.length === 0) return false;
    if (this.#signal.aborted || !(await this.#renewLease())) throw new Error('another janitor holds the lease now');
    fold.end = await this.#writeSegment(part, fold.end);
    fold.isPurged = false;
    if (mayPurge) await this.#purge(fold);
    await setImmediate();
    return !part.isAll;
  }

  /** The fold up to the end of the archive. Reads the log again when another janitor has moved that end. */
  async #loadFold(created: string): Promise<Fold> {
    const { log, purge, state, clock, logger, retention, graceInMs = 10_000 } = this.#options;
    const signal = this.#signal;
    const end = await this.#findEnd(created);
    if (this.#fold?.end.log === end.log && this.#fold.end.last === end.last) return this.#fold;
    const streams = new RetainedStreams();
    const { first } = await log.state();
    if (first <= end.last) await readPart(log, { from: first, limit: upToSequence(end.last), streams, signal, clock, isFoldOnly: true });
    if (signal.aborted) throw new Error('the janitor was stopped');
    const horizon = createHorizon({ ...retention, log, purge, state, clock, logger, graceInMs, signal });
    return { streams, horizon, end, isPurged: false };
  }

  /** The end of the archive of this log. Throws `ArchiveDamagedError` when the archive lacks a recorded segment. */
  async #findEnd(created: string): Promise<End> {
    const { archive, state } = this.#options;
    const newest = (await archive.segments(created)).at(-1);
    const end = { log: created, last: newest?.last ?? 0, link: newest === undefined ? '' : linkOf(newest) };
    const problem = findHeadProblem(await readHead(state, created), { ...end, store: archive.store.name });
    if (problem !== undefined) throw new ArchiveDamagedError({ segment: nameOf({ log: created, first: end.last + 1 }), problem });
    return end;
  }

  async #writeSegment({ lines, last }: { lines: string[]; last: number }, end: End): Promise<End> {
    const { archive, state, logger } = this.#options;
    const { segment, bytes } = await encodeSegment(lines, last, { log: end.log, after: end.last, previous: end.link });
    const name = nameOf(segment);
    if (!(await archive.store.create(name, bytes))) throw new Error(`another janitor wrote ${name}`);
    if (!(await archive.holds(segment, { bytes, lines })))
      throw new ArchiveDamagedError({ segment: name, problem: 'differs from what was written' });
    const next = { log: end.log, last, link: linkOf(segment) };
    await writeHead(state, { ...next, store: archive.store.name });
    await this.#sign(segment, lines);
    logger.info({ segment: name, messages: lines.length, bytes: bytes.length }, 'archived a part of the log');
    return next;
  }

  /** A failure is logged, and delays nothing. The head of the next segment covers the same messages. */
  async #sign(segment: Segment, lines: readonly string[]): Promise<void> {
    const { signSegment, logger } = this.#options;
    await signSegment?.(segment, lines).catch((error: unknown) => {
      logger.error({ segment: nameOf(segment) }, `the end of the segment is not signed: ${messageOf(error)}`);
    });
  }

  /** Purges everything before the oldest retained message at once. The other removable messages are removed when they are many. */
  async #purge(fold: Fold): Promise<void> {
    const { state, purge, log } = this.#options;
    const { streams, end } = fold;
    fold.isPurged = true;
    const timeOf = async (sequence: number): Promise<number | undefined> => {
      const found = await log.firstFrom(sequence);
      return found?.sequence === sequence ? found.at : undefined;
    };
    streams.settleRepeated((await readProvedFloor(state, SCHEDULER_FLOOR, timeOf))?.floor ?? 0);
    // A redrive may have appended to a settled stream after the end of the fold.
    const redrivable = [...streams.redrivable()];
    for (const { name, last } of redrivable) if (((await purge.lastOf(name)) ?? 0) > last) streams.reopen(name);
    if (streams.removable === 0) return;
    const before = Math.min(streams.oldest ?? end.last + 1, end.last + 1);
    await purge.purgeBefore(before);
    streams.removed(before);
    if (streams.removable <= this.#maxRemovable) return;
    await purge.remove(streams.removableSequences(), { overwrite: false });
    streams.removed();
  }
}

const HISTORY_KEY = 'janitor.history';

/**
 * Removes invocations from the read models that finished before the history retention. The erasure is appended to the log, so that
 * all read models remove the same invocations.
 *
 * One erasure covers at least a twenty-fourth of the retention.
 */
async function limitHistory({ historyRetentionInMs, clock, state, purge, log, archive, name }: JanitorOptions): Promise<void> {
  if (historyRetentionInMs === undefined) return;
  const before = clock.now() - historyRetentionInMs;
  const last = Number((await state.get(HISTORY_KEY))?.value ?? 0);
  const first = last === 0 ? ((await createWholeLog(log, archive).firstFrom(1))?.at ?? before) : last;
  if (before - first < historyRetentionInMs / 24) return;
  const until = (await log.state()).last;
  const id = `history-${Math.floor(before)}`;
  await purge.appendErasure({ v: 1, id, scope: 'read-models', before, until, by: name, at: clock.now(), invocations: 0, messages: 0 });
  await state.put(HISTORY_KEY, String(before));
}

/**
 * Throws when the log is not the log that was archived up to this segment (J6).
 *
 * A log that lost its last messages uses their sequences again. Its new messages would be purged as if the archive held them.
 */
async function expectSameLog(log: LogSource, newest: Segment | undefined): Promise<void> {
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
