import type { SignatureLog } from '#src/core/ports/signature-log.ts';
import { createNumberSet, type NumberSet } from './number-set.ts';
import { MAX_SKEW_IN_MS } from './signature.ts';

/** The vendor's SDK dates signatures in whole seconds: two equal requests of one second are two calls. */
const SAME_SECOND_IN_MS = 1_000;
/** How long after its second a call may still be under way. */
const UNDER_WAY_IN_MS = 1_000;
const REMEMBERED_EXACTLY_MS = SAME_SECOND_IN_MS + UNDER_WAY_IN_MS;
/** In about 190 MB; at an even rate, 8,900 a second. */
const CAPACITY = 8_000_000;

type Replay = 'new' | 'equal call' | 'replayed' | 'full';

/** Remembers the signatures that this gateway or another one accepted, for as long as their dates are acceptable. */
export interface ReplayCache {
  see(signature: string, signedAt: number, now: number): Replay;
}

export type ReplayCacheOptions = { signatures: SignatureLog; signal: AbortSignal; now: number; capacity?: number };

/**
 * Resolves when it knows what other gateways, and earlier ones, accepted. When it is full it accepts nothing more, rather than forgetting
 * what could then be sent again.
 */
export async function openReplayCache({ signatures, signal, now, capacity = CAPACITY }: ReplayCacheOptions): Promise<ReplayCache> {
  /** By the second of their date: a second is forgotten as a whole. */
  const seen = new Map<number, NumberSet>();
  /** When those of the last two seconds came first, and a little longer: they are forgotten together, by the time that has passed twice. */
  let recent = new Map<number, number>();
  let lessRecent = new Map<number, number>();
  let turnedAt = now;
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
  function forget(moment: number): void {
    if (moment - turnedAt > REMEMBERED_EXACTLY_MS) {
      turnedAt = moment;
      lessRecent = recent;
      recent = new Map();
    }
    for (const [second, { size: count }] of seen) {
      if (!isOver(second, moment)) continue;
      seen.delete(second);
      size -= count;
    }
  }

  let forgottenAt = now;
  await signatures.subscribe(({ key, signedAt, at }) => {
    // Also what this gateway told itself.
    if (seen.get(signedAt)?.has(key) || isOver(signedAt, now)) return;
    add(key, signedAt);
    if (at > now - REMEMBERED_EXACTLY_MS) recent.set(key, at);
  }, signal);

  return {
    see(signature, signedAt, moment) {
      if (moment - forgottenAt > SAME_SECOND_IN_MS) {
        forgottenAt = moment;
        forget(moment);
      }
      // 52 bits of it, as a number that is never 0.
      const key = Number.parseInt(signature.slice(0, 13), 16) + 1;
      const second = Math.floor(signedAt / 1_000);
      if (seen.get(second)?.has(key)) {
        return canBeEqualCall(signedAt, recent.get(key) ?? lessRecent.get(key), moment) ? 'equal call' : 'replayed';
      }
      if (size >= capacity) return 'full';
      add(key, second);
      recent.set(key, moment);
      signatures.publish({ key, signedAt: second });
      return 'new';
    },
  };
}

/** Whether somebody who signs the same twice within a second can have done so: whatever his clock says, and however long it took. */
function canBeEqualCall(signedAt: number, firstAt: number | undefined, now: number): boolean {
  if (firstAt === undefined) return false;
  if (now - firstAt <= SAME_SECOND_IN_MS) return true;
  return now - firstAt <= REMEMBERED_EXACTLY_MS && now < signedAt + REMEMBERED_EXACTLY_MS;
}

/** Whether a signature of that second is too old for every gateway. */
function isOver(second: number, now: number): boolean {
  return now - second * 1_000 > MAX_SKEW_IN_MS + REMEMBERED_EXACTLY_MS;
}
