import type { Invocation } from '#machines/invocation.ts';
import type { StreamVersion } from '#src/core/log/event-log.ts';
import { mayHaveEndedWithoutItem } from '#src/core/stream/ended-without-item.ts';
import type { WorkItem } from '#src/core/stream/work-queue.ts';

/**
 * Whether another item than those of a run brought an outcome, and is acknowledged or returns (PUB2): the outcome is older than all items of
 * the run. `readAt` is the version that brought the outcome, if the run read it from the log.
 */
export function isOfAnotherItem(
  { value, context: { outcome } }: Invocation,
  readAt: StreamVersion | undefined,
  items: readonly WorkItem[],
): boolean {
  if (readAt === undefined || outcome === null) return false;
  if (value !== 'notified' && mayHaveEndedWithoutItem(outcome)) return false;
  return items.every(({ sequence }) => sequence > readAt);
}
