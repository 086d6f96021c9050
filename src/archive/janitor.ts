import { setImmediate } from 'node:timers/promises';
import { ArchiveDamagedError, messageOf } from '#src/core/errors.ts';
import { readFloor } from '#src/core/ports/scheduler-floor.ts';
import { limitHistory, performErasures } from './erasures.ts';
import { readHead, whyNotWhole, writeHead } from './head.ts';
import { createHorizon, type Horizon } from './horizon.ts';
import type { JanitorOptions } from './janitor-options.ts';
import { createLease } from './lease.ts';
import { everythingTo, readPart } from './read-part.ts';
import { encodeSegment, linkOf, nameOf } from './segment.ts';
import { createStanding, type Standing } from './standing.ts';

/**
 * Archives what the retention lets go, and then purges it. Keeps J1, J2 and J3 (src/DESIGN.md).
 *
 * Several may run. One has the lease; two that think they have it want the same name for a segment, and one gets it.
 */
export interface Janitor {
  /** Works once, now. Resolves to false when another one has the lease. */
  work(): Promise<boolean>;
  stop(): Promise<void>;
}

export function startJanitor(options: JanitorOptions): Janitor {
  const { state, clock, logger, name, everyInMs = 5_000 } = options;
  const stopping = new AbortController();
  const lease = createLease({ state, clock, holder: name });
  const rounds = createRounds(options, { signal: stopping.signal, keep: lease.take });
  let working: Promise<boolean> = Promise.resolve(false);

  function work(): Promise<boolean> {
    working = working.catch(() => false).then(round);
    return working;
  }

  async function round(): Promise<boolean> {
    if (stopping.signal.aborted || !(await lease.take())) return false;
    while (await rounds.run());
    return true;
  }

  const looping = (async () => {
    while (!stopping.signal.aborted) {
      await work().catch((error: unknown) => {
        if (!stopping.signal.aborted) logger.error({}, `the log is not archived for now, and nothing is purged: ${messageOf(error)}`);
      });
      await clock.sleep(everyInMs, stopping.signal);
    }
  })();

  return {
    work,
    async stop() {
      stopping.abort();
      await looping;
      await working.catch(() => {});
      await lease.release().catch(() => {});
    },
  };
}

/** Where the archive ends. */
type End = { log: string; last: number; link: string };
/** The fold of the archived part of the log that is still in the log. */
type Fold = { standing: Standing; horizon: Horizon; end: End };

type RoundOptions = { signal: AbortSignal; keep: () => Promise<boolean> };

/** `run` resolves to whether there is more to do at once. */
function createRounds(options: JanitorOptions, { signal, keep }: RoundOptions): { run(): Promise<boolean> } {
  const { log, purge, archive, state, clock, logger, graceInMs = 10_000 } = options;
  const { mostLoose = Math.min(20_000, (options.retention.maxInvocations ?? Number.POSITIVE_INFINITY) / 10) } = options;
  let fold: Fold | undefined;

  async function run(): Promise<boolean> {
    try {
      const { created } = await log.state();
      await performErasures(options, {
        signal,
        async archiveUpTo(sequence) {
          while (await advance(created, { upTo: sequence }));
          return fold?.end.last ?? 0;
        },
      });
      await limitHistory(options);
      const { maxInvocations } = options.retention;
      if (maxInvocations !== undefined) await purge.limitResults(maxInvocations);
      return await advance(created, {});
    } catch (error) {
      // What was folded may be ahead of what is archived.
      fold = undefined;
      throw error;
    }
  }

  /** Archives and purges one segment of what the retention lets go; up to a sequence whatever it says, if one is given. */
  async function advance(created: string, { upTo }: { upTo?: number }): Promise<boolean> {
    fold = await current(created);
    const { standing, horizon } = fold;
    const limit = await horizon.limit(fold.end.last, { settled: standing.settled, upTo });
    if (limit === undefined) return false;
    const part = await readPart(log, { from: fold.end.last + 1, limit, standing, signal, clock });
    if (part.lines.length === 0) return false;
    if (signal.aborted || !(await keep())) throw new Error('another janitor took over');
    fold.end = await write(part, fold.end);
    await letGo(fold);
    await setImmediate();
    return !part.isAll;
  }

  async function current(created: string): Promise<Fold> {
    const end = await findEnd(created);
    if (fold?.end.log === end.log && fold.end.last === end.last) return fold;
    const standing = createStanding();
    const { first } = await log.state();
    if (first <= end.last) await readPart(log, { from: first, limit: everythingTo(end.last), standing, signal, clock, isWhole: true });
    if (signal.aborted) throw new Error('it was stopped');
    const horizon = createHorizon({ ...options.retention, log, purge, state, clock, logger, graceInMs, signal });
    const found = { standing, horizon, end };
    await letGo(found);
    return found;
  }

  /** The end of the archive that this log has. Throws when it is not where it was archived. */
  async function findEnd(created: string): Promise<End> {
    const segments = await archive.segments(created);
    const newest = segments.at(-1);
    const end = { log: created, last: newest?.last ?? 0, link: newest === undefined ? '' : linkOf(newest) };
    const problem = whyNotWhole(await readHead(state, created), { ...end, store: archive.store.name });
    if (problem !== undefined) throw new ArchiveDamagedError({ segment: nameOf({ log: created, first: end.last + 1 }), problem });
    return end;
  }

  async function write({ lines, last }: { lines: string[]; last: number }, end: End): Promise<End> {
    const { segment, bytes } = await encodeSegment(lines, last, { log: end.log, after: end.last, previous: end.link });
    const name = nameOf(segment);
    if (!(await archive.store.create(name, bytes))) throw new Error(`another janitor wrote ${name}`);
    const back = await archive.lines(segment);
    const wrong = lines.findIndex((line, index) => line !== back[index]);
    if (wrong >= 0) throw new ArchiveDamagedError({ segment: name, problem: 'reads otherwise than it was written' });
    const next = { log: end.log, last, link: linkOf(segment) };
    await writeHead(state, { ...next, store: archive.store.name });
    logger.info({ segment: name, messages: lines.length, bytes: bytes.length }, 'archived a part of the log');
    return next;
  }

  /** Purges what may go: what is before everything that must stand at once, and the rest when it became much. */
  async function letGo({ standing, end }: Fold): Promise<void> {
    standing.dropRepeated((await readFloor(state)) ?? 0);
    const revivable = [...standing.revivable()];
    for (const { name, last } of revivable) if (((await purge.lastOf(name)) ?? 0) > last) standing.revive(name);
    if (standing.loose === 0) return;
    const before = Math.min(standing.oldest ?? end.last + 1, end.last + 1);
    await purge.purgeBefore(before);
    standing.gone(before);
    if (standing.loose <= mostLoose) return;
    await purge.remove(standing.looseSequences(), { overwrite: false });
    standing.gone();
  }

  return { run };
}
