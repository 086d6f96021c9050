import type { StreamName } from '#src/core/log/event-log.ts';
import { streamKey } from '#src/core/log/stream-key.ts';
import type { WorkItem } from '#src/core/stream/work-queue.ts';

/**
 * The streams that wait outside of a crowded place: so many may wait for a slow or dead one that only their names are kept.
 *
 * Nothing depends on them: their items are not acknowledged, so whatever is forgotten here comes again after a while.
 */
export interface Parking {
  /** Says that a stream found a place crowded. */
  note(name: StreamName, place: string): void;
  /** Where the stream waits. */
  limitKeyOf(name: StreamName): string | undefined;
  /** Keeps an item of a stream that waits. */
  hold(item: WorkItem): void;
  /** Takes the streams that have waited longest for a place, at most so many: their items. */
  take(place: string, most: number): WorkItem[];
}

/** An item comes again and again; its latest deliveries acknowledge it. */
const ITEMS_KEPT = 2;
/** When it comes again: a long backlog must not be handed out anew with every lease, nor all of it at one moment. */
const PUT_OFF_IN_MS = 60_000;

export function createParking(random: () => number = Math.random): Parking {
  const placeByKey = new Map<string, string>();
  const waiting = new Map<string, Map<string, WorkItem[]>>();

  return {
    note(name, place) {
      placeByKey.set(streamKey(name), place);
    },
    limitKeyOf: (name) => placeByKey.get(streamKey(name)),
    hold(item) {
      const key = streamKey(item.name);
      const place = placeByKey.get(key);
      if (place === undefined) return;
      // What it knows of its stream would fill the memory.
      item.state = undefined;
      item.putOff(PUT_OFF_IN_MS * (0.5 + random()));
      const keys = waiting.get(place) ?? new Map<string, WorkItem[]>();
      waiting.set(place, keys);
      keys.set(key, [...(keys.get(key) ?? []), item].slice(-ITEMS_KEPT));
    },
    take(place, most) {
      const keys = waiting.get(place);
      if (keys === undefined) return [];
      const taken: WorkItem[] = [];
      let count = 0;
      for (const [key, items] of keys) {
        if (count++ === most) break;
        keys.delete(key);
        placeByKey.delete(key);
        taken.push(...items);
      }
      if (keys.size === 0) waiting.delete(place);
      return taken;
    },
  };
}
