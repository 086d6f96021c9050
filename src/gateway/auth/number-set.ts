/** A set of positive numbers in a fraction of the memory of a `Set`: eight bytes a place, at most half of them taken. */
export interface NumberSet {
  readonly size: number;
  has(value: number): boolean;
  add(value: number): void;
}

export function createNumberSet(): NumberSet {
  let places = new Float64Array(16);
  let size = 0;

  /** Where the value is, or would be: from its own place on, the first that is its or free. */
  function placeOf(value: number): number {
    const mask = places.length - 1;
    let place = (value % 4_294_967_291) & mask;
    while (places[place] !== 0 && places[place] !== value) place = (place + 1) & mask;
    return place;
  }
  function grow(): void {
    const values = places;
    places = new Float64Array(values.length * 2);
    for (const value of values) if (value !== 0) places[placeOf(value)] = value;
  }

  return {
    get size() {
      return size;
    },
    has: (value) => places[placeOf(value)] === value,
    add(value) {
      const place = placeOf(value);
      if (places[place] === value) return;
      places[place] = value;
      size++;
      if (size * 2 > places.length) grow();
    },
  };
}
