import type { SignatureLog } from '#src/core/ports/stores/signature-log.ts';
import { createNumberSet, type NumberSet } from './number-set.ts';
import { MAX_SKEW_IN_MS } from './signature.ts';

/** The vendor's SDK dates signatures in whole seconds, so two equal requests within one second are two calls with one signature. */
const SAME_SECOND_IN_MS = 1_000;
/** The longest transfer of a call after the second of its date. */
const MAX_TRANSFER_IN_MS = 1_000;
const EXACT_TIME_KEPT_IN_MS = SAME_SECOND_IN_MS + MAX_TRANSFER_IN_MS;
/** Uses about 190 MB. Suffices for 8,900 signatures a second at an even rate. */
const CAPACITY = 8_000_000;

type Replay = 'new' | 'equal call' | 'replayed' | 'full';

/** Stores the signatures that any gateway accepted, for as long as their dates are acceptable. */
export interface ReplayCache {
  /** Whether a signature was accepted before. Records a new signature, and publishes it to the other gateways. */
  check(signed: { signature: string; project: string }, signedAt: number, now: number): Replay;
}

export type ReplayCacheOptions = {
  signatures: SignatureLog;
  signal: AbortSignal;
  now: number;
  capacity?: number;
  /** The number of projects that have a credential. */
  projects?: () => number;
};

/**
 * Resolves when the cache contains the signatures that all gateways accepted before. A full cache accepts no further signature: removing
 * an entry would allow its replay. Half of the capacity is for every caller; the other half belongs to the projects in equal parts, by the
 * signatures that this gateway accepted (SHARE1).
 */
export async function openReplayCache(options: ReplayCacheOptions): Promise<ReplayCache> {
  const { signatures, signal, now, capacity = CAPACITY, projects = () => 1 } = options;
  /** The signatures by the second of their date. A second expires as a whole. */
  const seen = new Map<number, NumberSet>();
  const shares = createShares();
  /** The times of acceptance of the last seconds, in two generations: `rotate` drops the older generation as a whole. */
  let recent = new Map<number, number>();
  let lessRecent = new Map<number, number>();
  let rotatedAt = now;
  let size = 0;

  function add(key: number, second: number): void {
    let dated = seen.get(second);
    if (dated === undefined) {
      dated = createNumberSet();
      seen.set(second, dated);
    }
    size -= dated.size;
    dated.add(key);
    size += dated.size;
  }
  function rotate(moment: number): void {
    if (moment - rotatedAt <= EXACT_TIME_KEPT_IN_MS) return;
    rotatedAt = moment;
    lessRecent = recent;
    recent = new Map();
  }
  function expire(moment: number): void {
    for (const [second, { size: count }] of seen) {
      if (!isOver(second, moment)) continue;
      seen.delete(second);
      shares.expire(second);
      size -= count;
    }
  }

  let expiredAt = now;
  await signatures.subscribe(({ key, signedAt, at }) => {
    // The subscription also receives the signatures that this gateway published.
    if (seen.get(signedAt)?.has(key) || isOver(signedAt, now)) return;
    add(key, signedAt);
    if (at > now - EXACT_TIME_KEPT_IN_MS) recent.set(key, at);
  }, signal);

  /** Half of the cache is for everybody, and the other half has an equal part for each project. */
  function isFullFor(project: string, isFree: boolean): boolean {
    return size >= capacity || (!isFree && shares.of(project) >= capacity / 2 / projects());
  }

  return {
    check({ signature, project }, signedAt, moment) {
      if (moment - expiredAt > SAME_SECOND_IN_MS) {
        expiredAt = moment;
        rotate(moment);
        expire(moment);
      }
      // 52 bits of the signature as a number that is never 0, which `NumberSet` requires.
      const key = Number.parseInt(signature.slice(0, 13), 16) + 1;
      const second = Math.floor(signedAt / 1_000);
      if (seen.get(second)?.has(key)) {
        return canBeEqualCall(signedAt, recent.get(key) ?? lessRecent.get(key), moment) ? 'equal call' : 'replayed';
      }
      const isFree = size < capacity / 2;
      if (isFullFor(project, isFree)) return 'full';
      add(key, second);
      if (!isFree) shares.add(project, second);
      recent.set(key, moment);
      signatures.publish({ key, signedAt: second });
      return 'new';
    },
  };
}

/** Counts the signatures in the part of each project that have not expired. */
function createShares() {
  const total = new Map<string, number>();
  const bySecond = new Map<number, Map<string, number>>();
  const addTo = (counts: Map<string, number>, project: string, more: number): void => {
    const count = (counts.get(project) ?? 0) + more;
    if (count === 0) counts.delete(project);
    else counts.set(project, count);
  };
  return {
    of: (project: string): number => total.get(project) ?? 0,
    add(project: string, second: number): void {
      const counts = bySecond.get(second) ?? new Map<string, number>();
      bySecond.set(second, counts);
      addTo(counts, project, 1);
      addTo(total, project, 1);
    },
    expire(second: number): void {
      for (const [project, count] of bySecond.get(second) ?? []) addTo(total, project, -count);
      bySecond.delete(second);
    },
  };
}

/**
 * Whether an equal signature can be a second call of the same second instead of a replay. Allows for a clock that differs from the clock
 * of the gateway, and for the time of the transfer.
 */
function canBeEqualCall(signedAt: number, firstAt: number | undefined, now: number): boolean {
  if (firstAt === undefined) return false;
  if (now - firstAt <= SAME_SECOND_IN_MS) return true;
  return now - firstAt <= EXACT_TIME_KEPT_IN_MS && now < signedAt + EXACT_TIME_KEPT_IN_MS;
}

/** Whether every gateway refuses a signature of that second because of its age. */
function isOver(second: number, now: number): boolean {
  return now - second * 1_000 > MAX_SKEW_IN_MS + EXACT_TIME_KEPT_IN_MS;
}
