import { z } from 'zod';
import { formatDuration } from '#src/core/text/format-duration.ts';

/** A watermark: a message that the log held. `at` is the time of the message, in milliseconds since the epoch. */
export const logMarkSchema = z.object({ created: z.string(), sequence: z.number(), fingerprint: z.string(), at: z.number() });
export type LogMark = z.output<typeof logMarkSchema>;

const affectedSchema = z.object({
  /** Invocations whose request is lost. */
  lost: z.number(),
  /** Invocations whose request the log has, and whose last facts are lost. They are processed again. */
  changed: z.number(),
  /** The ids of the first of them, lost ones first. */
  ids: z.array(z.string()),
  /** The file with one line of JSON for each of them, and the host of the file. */
  file: z.string().optional(),
});

/** A loss of the last messages of the log (LOSS2). The log lost at most the messages after `keptUpTo`, up to `lostUpTo`. */
export const logLossSchema = z.object({
  id: z.string(),
  created: z.string(),
  foundAt: z.number(),
  foundBy: z.string(),
  why: z.string(),
  keptUpTo: z.number(),
  keptAt: z.number(),
  lostUpTo: z.number(),
  /** The last lost message is not older than this; absent when `lostAt` is its time. A comparison that waited for NATS knows no more. */
  lostAfter: z.number().optional(),
  lostAt: z.number(),
  affected: affectedSchema.optional(),
  acknowledged: z.object({ at: z.number(), by: z.string(), note: z.string().optional() }).optional(),
});
export type LogLoss = z.output<typeof logLossSchema>;

/** At most this many losses are kept. The oldest acknowledged ones are dropped first. */
const MAX_LOSSES = 20;
export const MAX_IDS = 100;

/** The largest number of messages that the loss may have cost. */
export const lostAtMost = ({ keptUpTo, lostUpTo }: Pick<LogLoss, 'keptUpTo' | 'lostUpTo'>): number => Math.max(0, lostUpTo - keptUpTo);

export const LOSS_REMEDY = 'docs/operations.md#lost-messages; then: sequent loss acknowledge';

export function describeLoss(loss: LogLoss): string {
  const { keptAt, lostAt, affected } = loss;
  const count = lostAtMost(loss);
  const span = formatDuration(Math.max(0, lostAt - keptAt));
  const from = new Date(keptAt).toISOString();
  const to = new Date(lostAt).toISOString();
  const who =
    affected === undefined
      ? ''
      : `; ${affected.lost} invocations are lost, ${affected.changed} lost their last facts${affected.file === undefined ? '' : `: ${affected.file}`}`;
  return `the log lost at most ${count} acknowledged ${count === 1 ? 'message' : 'messages'} of ${span}, from ${from} to ${to}${who}`;
}

/**
 * Adds a loss to the known ones. Two processes find the same loss: a report about messages that are older than an overlapping loss was found
 * is the same loss (LOSS3). Its bounds are then the narrowest start and the highest end.
 */
export function addLoss(losses: readonly LogLoss[], loss: LogLoss): LogLoss[] {
  const same = losses.find((known) => known.id === loss.id || isSame(known, loss));
  if (same === undefined) return withinLimit([...losses, loss]);
  const narrow = same.keptUpTo >= loss.keptUpTo ? same : loss;
  const high = same.lostUpTo >= loss.lostUpTo ? same : loss;
  const merged: LogLoss = {
    ...same,
    keptUpTo: narrow.keptUpTo,
    keptAt: narrow.keptAt,
    lostUpTo: high.lostUpTo,
    lostAt: Math.max(same.lostAt, Math.min(loss.lostAt, same.foundAt)),
    affected: same.affected ?? loss.affected,
    acknowledged: same.acknowledged ?? loss.acknowledged,
  };
  return losses.map((known) => (known === same ? merged : known));
}

function isSame(known: LogLoss, loss: LogLoss): boolean {
  const overlaps = loss.keptUpTo < known.lostUpTo && known.keptUpTo < loss.lostUpTo;
  return known.created === loss.created && overlaps && (loss.lostAfter ?? loss.lostAt) <= known.foundAt;
}

function withinLimit(losses: LogLoss[]): LogLoss[] {
  if (losses.length <= MAX_LOSSES) return losses;
  const dropped = losses.find(({ acknowledged }) => acknowledged !== undefined) ?? losses[0];
  return losses.filter((one) => one !== dropped);
}
