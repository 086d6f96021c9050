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
import { boundsOf, describeGaps, findLostMessages, type LostMessages } from './lost-gaps.ts';

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
    const found = { foundAt: clock.now(), foundBy: losses.by };
    const assessed =
      why === undefined
        ? await assessGaps(store, source, { found, waiting: { clock, signal } })
        : await assessLoss(store, source, { ...found, why });
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

type Waiting = { clock: Pick<Clock, 'sleep'>; signal: AbortSignal };

/** The loss of messages before the end of the log, as a flipped bit in a file of the server causes it (LOSS5). `undefined` without one. */
async function assessGaps(
  store: Store,
  source: LogSource,
  { found, waiting }: { found: Pick<LogLoss, 'foundAt' | 'foundBy'>; waiting: Waiting },
): Promise<Assessed | undefined> {
  const { checkpoint } = store;
  const lost = checkpoint === undefined ? undefined : await findLostMessages(store, source, waiting);
  if (checkpoint === undefined || lost === undefined) return undefined;
  const loss: LogLoss = {
    ...found,
    id: found.foundAt.toString(36),
    created: checkpoint.created,
    why: describeGaps(lost),
    ...boundsOf(lost),
  };
  return { loss, affected: affectedIn(store, lost) };
}

type Assessed = { loss: LogLoss; affected: readonly Affected[] };

/** Records a loss and the invocations that it affects. */
async function recordLoss({ loss, affected }: Assessed, { book, folder, host }: LossRecords): Promise<LogLoss> {
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

type Affected = { requestId: string; function: string; isLost: boolean; status: string; state: string; acceptedAt: number };

const AFFECTED = 'SELECT id, function, status, state, accepted_at, request_sequence FROM invocations';

/** Lost invocations first. */
function affectedBy({ database }: Store, keptUpTo: number): Affected[] {
  const rows = database.prepare(`${AFFECTED} WHERE last_sequence > ? ORDER BY seq DESC`).all([keptUpTo]);
  return rows.map((row) => toAffected(row, Number(row[5]) > keptUpTo));
}

/** Lost invocations first. One pass over all invocations, because no index has their requests. */
function affectedIn({ database }: Store, { messages }: LostMessages): Affected[] {
  const requests = new Set(messages.map(({ request }) => request));
  const sequences = new Set(messages.map(({ sequence }) => sequence));
  const [lost, changed]: [Affected[], Affected[]] = [[], []];
  for (const row of database.prepare(`${AFFECTED} ORDER BY seq DESC`).iterate().rows) {
    const request = Number(row[5]);
    if (!requests.has(request)) continue;
    const isLost = sequences.has(request);
    (isLost ? lost : changed).push(toAffected(row, isLost));
  }
  return [...lost, ...changed];
}

function toAffected([id, name, status, state, acceptedAt]: readonly Value[], isLost: boolean): Affected {
  return {
    requestId: String(id),
    function: String(name),
    isLost,
    status: String(status),
    state: String(state),
    acceptedAt: Number(acceptedAt),
  };
}
