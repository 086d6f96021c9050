/** Bounds how many deliveries go to one place at one moment, so that a slow place delays nobody but itself. */
export interface Places {
  /**
   * Enters a place on behalf of a stream; resolves to what leaves it again, or to `undefined` when too many streams wait
   * there already. A stream that waits there may wait with all of its deliveries.
   */
  enter(place: string, options: { stream: string; atOnce: number }): Promise<(() => void) | undefined>;
  /** Enters a place if it is free now, and `undefined` if not. */
  enterAtOnce(place: string, atOnce: number): (() => void) | undefined;
  /** How many more streams may wait there. */
  room(place: string): number;
}

export type PlacesOptions = {
  /** How many streams may wait for one place. */
  waiting: number;
  /** A crowded place is half empty again. */
  onRoom: (place: string) => void;
};

type Waiter = { stream: string; proceed: () => void };
type Place = { taken: number; queue: Waiter[]; head: number; streams: Map<string, number>; isCrowded: boolean };

export function createPlaces({ waiting, onRoom }: PlacesOptions): Places {
  const places = new Map<string, Place>();

  function open(name: string): Place {
    const known = places.get(name);
    if (known !== undefined) return known;
    const place = { taken: 0, queue: [], head: 0, streams: new Map(), isCrowded: false };
    places.set(name, place);
    return place;
  }

  function wait(place: Place, stream: string): Promise<void> {
    place.streams.set(stream, (place.streams.get(stream) ?? 0) + 1);
    return new Promise((proceed) => place.queue.push({ stream, proceed }));
  }

  function takeNext(place: Place): Waiter | undefined {
    const next = place.queue[place.head];
    if (next === undefined) return undefined;
    place.head++;
    if (place.head === place.queue.length) {
      place.queue.length = 0;
      place.head = 0;
    }
    const left = (place.streams.get(next.stream) ?? 1) - 1;
    if (left === 0) place.streams.delete(next.stream);
    else place.streams.set(next.stream, left);
    return next;
  }

  function leave(name: string, place: Place): void {
    const next = takeNext(place);
    if (next === undefined) place.taken--;
    else next.proceed();
    if (place.isCrowded && place.streams.size <= waiting / 2) {
      place.isCrowded = false;
      onRoom(name);
    }
    if (place.taken === 0) places.delete(name);
  }

  return {
    enterAtOnce(name, atOnce) {
      const place = open(name);
      if (place.taken >= atOnce) return undefined;
      place.taken++;
      return () => leave(name, place);
    },
    async enter(name, { stream, atOnce }) {
      const place = open(name);
      if (place.taken < atOnce) place.taken++;
      else if (place.streams.size >= waiting && !place.streams.has(stream)) {
        place.isCrowded = true;
        return undefined;
      } else await wait(place, stream);
      return () => leave(name, place);
    },
    room: (name) => waiting - (places.get(name)?.streams.size ?? 0),
  };
}
