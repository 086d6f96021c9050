import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '#src/core/errors.ts';
import { ERASED, type LogSource, type LogState } from '#src/core/log/log-source.ts';
import { describeLoss, LOSS_REMEDY, type LogLoss, MAX_IDS } from '#src/core/log/losses/log-loss.ts';
import type { LossBook } from '#src/core/log/losses/loss-book.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import type { Value } from '#src/projection/store/sqlite.ts';
import type { Store } from '#src/projection/store/store.ts';
import { toEntry } from '#src/projection/store/to-entry.ts';
import { findRegression } from './contradiction.ts';

/** Where the losses that a read model proves are recorded: the book, and the folder of the lists of affected invocations. */
export type LossRecords = { book: LossBook; folder: string; host: string; by: string };

type Stored = { request: number; sequence: number };

/** The read model names the newest of so many appends first, and ten times as many when all of them are lost. */
const FIRST_WINDOW = 100_000;

type ReportOptions = { source: LogSource; losses?: LossRecords; clock: Clock; logger: Logger };

/**
 * Records the lost messages, as far as a read model that will be replaced still has it. A failure must not prevent the new read model.
 */
export async function reportLoss(store: Store, { source, losses, clock, logger }: ReportOptions, signal: AbortSignal): Promise<void> {
  if (losses === undefined) return;
  try {
    const why = await findRegression(source, () => store.checkpoint, { clock, signal });
    if (why === undefined) return;
    const assessed = await assessLoss(store, source, { foundAt: clock.now(), foundBy: losses.by, why });
    if (assessed === undefined) return;
    const loss = await recordLoss(assessed, losses);
    logger.error({ loss }, `${describeLoss(loss)}; ${LOSS_REMEDY}`);
  } catch (error) {
    logger.error({}, `the log lost messages, and the loss cannot be recorded: ${messageOf(error)}`);
  }
}

/**
 * The loss that a read model proves: the messages that the model holds and the log does not (LOSS2). `undefined` when the log has all of
 * them.
 *
 * The log and the read model agree up to one message and differ after it, so that message is found by a binary search.
 */
async function assessLoss(store: Store, source: LogSource, found: Pick<LogLoss, 'foundAt' | 'foundBy' | 'why'>) {
  const { checkpoint } = store;
  if (checkpoint === undefined) return undefined;
  const state = await source.state();
  const kept = state.created === checkpoint.created ? await lastKept(store, source, { state, upTo: checkpoint.sequence }) : undefined;
  if (kept === 'all') return undefined;
  const keptUpTo = kept?.sequence ?? 0;
  const loss: LogLoss = {
    ...found,
    id: found.foundAt.toString(36),
    created: state.created,
    keptUpTo,
    keptAt: kept === undefined ? checkpoint.at : entryAt(store, kept).at,
    lostUpTo: checkpoint.sequence,
    lostAt: checkpoint.at,
  };
  return { loss, affected: affectedBy(store, keptUpTo) };
}

/** Records a loss and the invocations that it affects. */
async function recordLoss(
  { loss, affected }: NonNullable<Awaited<ReturnType<typeof assessLoss>>>,
  { book, folder, host }: LossRecords,
): Promise<LogLoss> {
  const lost = affected.filter(({ isLost }) => isLost);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${loss.id}.jsonl`);
  writeFileSync(file, affected.map((one) => `${JSON.stringify(one)}\n`).join(''), { mode: 0o600 });
  const recorded: LogLoss = {
    ...loss,
    affected: {
      lost: lost.length,
      changed: affected.length - lost.length,
      ids: affected.slice(0, MAX_IDS).map(({ requestId }) => requestId),
      file: `${host}:${file}`,
    },
  };
  await book.add([recorded]);
  return recorded;
}

/** The newest stored append that the log still has; `undefined` when it has none, and `all` when it has every one. */
async function lastKept(
  store: Store,
  source: LogSource,
  { state, upTo }: { state: LogState; upTo: number },
): Promise<Stored | 'all' | undefined> {
  const isLost = (stored: Stored): Promise<boolean> => isMissing(store, source, { state, stored });
  for (let window = FIRST_WINDOW; ; window *= 10) {
    const rows = storedAfter(store, upTo - window);
    const [oldest] = rows;
    const isWhole = upTo <= window;
    if (oldest === undefined) {
      if (isWhole) return 'all';
    } else if (!(await isLost(oldest))) return await lastBefore(rows, isLost);
    else if (isWhole) return undefined;
  }
}

/** The last row that is not lost. The first one is not. */
async function lastBefore(rows: readonly Stored[], isLost: (stored: Stored) => Promise<boolean>): Promise<Stored | 'all' | undefined> {
  let [kept, lost] = [0, rows.length];
  while (lost - kept > 1) {
    const middle = Math.floor((kept + lost) / 2);
    if (await isLost(rows[middle] as Stored)) lost = middle;
    else kept = middle;
  }
  return lost === rows.length ? 'all' : rows[kept];
}

/** Whether the log lacks a stored append, or has another message at its sequence. A message that is gone was archived or erased. */
async function isMissing(store: Store, source: LogSource, { state, stored }: { state: LogState; stored: Stored }): Promise<boolean> {
  if (stored.sequence > state.last) return true;
  const found = await source.fingerprintAt(stored.sequence);
  return found !== undefined && found !== ERASED && found !== source.fingerprintOf(entryAt(store, stored));
}

function storedAfter({ database }: Store, sequence: number): Stored[] {
  const rows = database.prepare('SELECT request_sequence, sequence FROM appends WHERE sequence > ? ORDER BY sequence').all([sequence]);
  return rows.map(([request, at]) => ({ request: Number(request), sequence: Number(at) }));
}

function entryAt({ database }: Store, { request, sequence }: Stored) {
  const read = database.prepare('SELECT sequence, at, subject, headers, body FROM appends WHERE request_sequence = ? AND sequence = ?');
  return toEntry(read.get([request, sequence]) as readonly Value[]);
}

/** Lost invocations first. */
function affectedBy({ database }: Store, keptUpTo: number) {
  const rows = database
    .prepare('SELECT id, function, status, state, accepted_at, request_sequence FROM invocations WHERE last_sequence > ? ORDER BY seq DESC')
    .all([keptUpTo]);
  return rows.map(([id, name, status, state, acceptedAt, request]) => ({
    requestId: String(id),
    function: String(name),
    isLost: Number(request) > keptUpTo,
    status: String(status),
    state: String(state),
    acceptedAt: Number(acceptedAt),
  }));
}
