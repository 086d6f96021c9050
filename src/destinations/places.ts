/** Bounds how many deliveries go to one place at one moment, so that a slow place delays nobody but itself. */
export interface Places {
  /** Enters a place; resolves to what leaves it again, or to `undefined` when too many wait there already. */
  enter(place: string): Promise<(() => void) | undefined>;
  /** How many more may wait there. */
  room(place: string): number;
}

export type PlacesOptions = {
  atOnce: number;
  waiting: number;
  /** A crowded place is half empty again. */
  onRoom: (place: string) => void;
};

type Place = { taken: number; queue: (() => void)[]; isCrowded: boolean };

export function createPlaces({ atOnce, waiting, onRoom }: PlacesOptions): Places {
  const places = new Map<string, Place>();

  function leave(name: string, place: Place): void {
    const next = place.queue.shift();
    if (next === undefined) place.taken--;
    else next();
    if (place.isCrowded && place.queue.length <= waiting / 2) {
      place.isCrowded = false;
      onRoom(name);
    }
    if (place.taken === 0) places.delete(name);
  }

  return {
    async enter(name) {
      const place = places.get(name) ?? { taken: 0, queue: [], isCrowded: false };
      places.set(name, place);
      if (place.taken < atOnce) place.taken++;
      else if (place.queue.length >= waiting) {
        place.isCrowded = true;
        return undefined;
      } else await new Promise<void>((resolve) => place.queue.push(resolve));
      return () => leave(name, place);
    },
    room: (name) => waiting - (places.get(name)?.queue.length ?? 0),
  };
}
