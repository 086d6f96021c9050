import { changeEntry } from '#src/core/flow/change-entry.ts';
import type { Change } from '#src/core/flow/entry-change.ts';
import { decodeLedgerEntry, encodeLedgerEntry, type LedgerEntry, NO_SLOTS, type Waiter } from '#src/core/flow/ledger-entry.ts';
import type { RateText } from '#src/core/functions/rate.ts';

/* Replays a trace of `models/flow.qnt` on an entry of the ledger. */

type World = {
  requests: Readonly<Record<string, { attempt: number }>>;
  holders: Readonly<Record<string, number>>;
  waiters: readonly number[];
  tokens: readonly number[];
  fullAt: Readonly<Record<string, number>>;
  now: number;
  total: number;
  burst: number;
  isFifo: boolean;
  isRanked: boolean;
  step: { kind: string; who: number };
};
export type FlowState = { world: World };

const BEGIN = 1_700_000_000_000;
const TICK_IN_MS = 500;
const timeOf = (tick: number): number => BEGIN + tick * TICK_IN_MS;
const keyOf = (request: number): string => `k${request % 2}`;
const everywhere = { serves: () => true, take: () => true };

/** Returns the first difference between the specification and the ledger; `undefined` when they agree in every step. */
export async function replayFlow(states: readonly FlowState[]): Promise<string | undefined> {
  let entry = NO_SLOTS;
  for (const [index, { world }] of states.slice(1).entries()) {
    const before = states[index]?.world ?? world;
    entry = decodeLedgerEntry(encodeLedgerEntry(changeEntry(entry, { ...changeOf(before, world.step), now: timeOf(before.now) }).entry));
    const [seen, said] = [see(entry, world.now), sayOf(world)].map((value) => JSON.stringify(value));
    if (seen !== said) return `step ${index + 1}, ${JSON.stringify(world.step)}: ledger ${seen}, specification ${said}`;
  }
  return undefined;
}

/** What the processes want of the entry in a step. Most steps are of the log alone. */
function changeOf(world: World, { kind, who }: World['step']): Change {
  const next = attemptOf(world, who, (world.requests[who]?.attempt ?? 0) + 1);
  const held = attemptOf(world, who, world.holders[who] ?? 0);
  const changes: Readonly<Record<string, Change>> = {
    ask: { acquisitions: [next] },
    list: { waits: [next] },
    grant: { places: everywhere },
    use: { starts: [held] },
    release: { releases: [held, next] },
  };
  return changes[kind] ?? {};
}

function attemptOf({ total, burst, isFifo, isRanked }: World, request: number, attempt: number): Waiter {
  const limits = isFifo ? ({ perKey: 1, fifo: 'hold' } as const) : burst > 0 ? { rate: `1/1000/${burst}` as RateText } : {};
  const rank = isRanked ? { rank: -request } : {};
  return { key: keyOf(request), function: 'f', invocation: `i-${request}`, attempt, request: request + 1, total, ...limits, ...rank };
}

const numberOf = ({ request }: { request: number }): number => request - 1;
const inOrder = (one: readonly number[], other: readonly number[]): number => (one[0] ?? 0) - (other[0] ?? 0);

function see({ holders, waiters, buckets = [] }: LedgerEntry, now: number): unknown {
  const held = holders.map((one) => [numberOf(one), one.attempt]).sort(inOrder);
  const tokens = holders.filter(({ rate }) => rate !== undefined).map((one) => [numberOf(one)]);
  const fullAt = buckets.map(([, key, micros]) => [key, Math.max(micros / 1_000, timeOf(now))] as const);
  return [held, waiters.map(numberOf), tokens.sort(inOrder).flat(), lackingAfter(fullAt, now)];
}

function sayOf({ holders, waiters, tokens, fullAt, now }: World): unknown {
  const held = Object.entries(holders).map(([request, attempt]) => [Number(request), attempt]);
  const times = Object.entries(fullAt).map(([key, at]) => [`k${key}`, timeOf(at)] as const);
  return [held.sort(inOrder), waiters, [...tokens].sort(), lackingAfter(times, now)];
}

/** The buckets that lack tokens. */
function lackingAfter(times: readonly (readonly [string, number])[], now: number): unknown {
  return times.filter(([, at]) => at > timeOf(now)).sort(([one], [other]) => (one < other ? -1 : 1));
}
