import type { StreamName } from '#src/core/log/event-log.ts';
import { streamKey } from '#src/core/names/ids.ts';
import type { WorkItem } from '#src/core/stream/work-queue.ts';

/**
 * The streams that wait for a full limit key outside of memory: only their names and their latest work items are kept.
 *
 * Parked items are unacknowledged, so JetStream redelivers whatever is lost here. The limit of unacknowledged items of the consumer bounds them.
 */
export interface Parking {
  /** Parks a stream, because its limit key is full. */
  park(name: StreamName, limitKey: string): void;
  /** The limit key that the stream is parked for. */
  limitKeyOf(name: StreamName): string | undefined;
  /** Keeps a work item of a parked stream. Ignores items of other streams. */
  hold(item: WorkItem): void;
  /** Whether streams are parked for the limit key. */
  has(limitKey: string): boolean;
  /** Removes the streams that have waited longest for the limit key, at most `maxStreams`, and returns their items. */
  take(limitKey: string, maxStreams: number): WorkItem[];
}

/** How many items of a stream are kept. An item is redelivered repeatedly, and its latest deliveries suffice to acknowledge it. */
const MAX_ITEMS = 2;
/** The least mean delay of a redelivery: a backlog must not be redelivered with every lease, nor all of it at one moment. */
const REDELIVER_AFTER_MS = 60_000;
/** With more parked streams the delay grows, so that all of them together are redelivered so often. */
const REDELIVERIES_PER_SECOND = 100;

export function createParking(random: () => number = Math.random): Parking {
  const limitKeys = new Map<string, string>();
  const parked = new Map<string, Map<string, WorkItem[]>>();

  return {
    park(name, limitKey) {
      limitKeys.set(streamKey(name), limitKey);
    },
    limitKeyOf: (name) => limitKeys.get(streamKey(name)),
    hold(item) {
      const key = streamKey(item.name);
      const limitKey = limitKeys.get(key);
      if (limitKey === undefined) return;
      // The folded states of a backlog would fill the memory.
      item.state = undefined;
      const meanDelayInMs = Math.max(REDELIVER_AFTER_MS, (limitKeys.size / REDELIVERIES_PER_SECOND) * 1_000);
      item.delayRedelivery(meanDelayInMs * (0.5 + random()));
      const streams = parked.get(limitKey) ?? new Map<string, WorkItem[]>();
      parked.set(limitKey, streams);
      streams.set(key, [...(streams.get(key) ?? []), item].slice(-MAX_ITEMS));
    },
    has: (limitKey) => parked.has(limitKey),
    take(limitKey, maxStreams) {
      const streams = parked.get(limitKey);
      if (streams === undefined) return [];
      const taken: WorkItem[] = [];
      let count = 0;
      for (const [key, items] of streams) {
        if (count++ === maxStreams) break;
        streams.delete(key);
        limitKeys.delete(key);
        for (const item of items) taken.push(item);
      }
      if (streams.size === 0) parked.delete(limitKey);
      return taken;
    },
  };
}
