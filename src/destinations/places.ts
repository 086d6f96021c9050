/** Bounds how many deliveries go to one place at one moment, so that a slow place delays nobody but itself. */
export interface Places {
  /**
   * Enters a place; resolves to what leaves it again, or to `undefined` when too many wait there already.
   */
  enter(place: string): Promise<(() => void) | undefined>;
}

export type PlacesOptions = { atOnce: number; waiting: number };

type Place = { taken: number; queue: (() => void)[] };

export function createPlaces({ atOnce, waiting }: PlacesOptions): Places {
  const places = new Map<string, Place>();

  function leave(name: string, place: Place): void {
    const next = place.queue.shift();
    if (next !== undefined) return next();
    place.taken--;
    if (place.taken === 0) places.delete(name);
  }

  return {
    async enter(name) {
      const place = places.get(name) ?? { taken: 0, queue: [] };
      places.set(name, place);
      if (place.taken < atOnce) place.taken++;
      else if (place.queue.length >= waiting) return undefined;
      else await new Promise<void>((resolve) => place.queue.push(resolve));
      return () => leave(name, place);
    },
  };
}
