import type { Invocation } from '#machines/invocation.ts';
import { isInvocationSettled } from '#src/core/stream/stream.ts';
import type { VerifiedStream } from './verified-stream.ts';

/** Counts of invocations. `verify` reports a finding when `accepted` is not the sum of `settled` and `open`. */
export type Balance = {
  accepted: number;
  settled: number;
  open: Partial<Record<Invocation['value'], number>>;
  succeeded: number;
  failed: number;
};

/** Counts the invocations of the streams that are still in memory. */
export function countStates(streams: Iterable<VerifiedStream>): Pick<Balance, 'settled' | 'open'> {
  const counts: Pick<Balance, 'settled' | 'open'> = { settled: 0, open: {} };
  for (const { invocations } of streams) {
    for (const invocation of invocations.values()) {
      if (isInvocationSettled(invocation)) counts.settled++;
      else counts.open[invocation.value] = (counts.open[invocation.value] ?? 0) + 1;
    }
  }
  return counts;
}

/** Describes a difference between the accepted and the counted invocations; `undefined` when there is none. */
export function describeImbalance({ accepted, settled, open }: Balance): string | undefined {
  const openCount = Object.values(open).reduce((sum, count) => sum + count, 0);
  return accepted === settled + openCount ? undefined : `${accepted} were accepted, but ${settled} are settled and ${openCount} are open`;
}
