/** A set of positive numbers in a fraction of the memory of a `Set`: eight bytes a slot, and at most half of the slots are used. */
export interface NumberSet {
  readonly size: number;
  has(value: number): boolean;
  add(value: number): void;
}

export function createNumberSet(): NumberSet {
  let slots = new Float64Array(16);
  let size = 0;

  /** The slot that contains the value, or the free slot for it (linear probing). */
  function slotOf(value: number): number {
    const mask = slots.length - 1;
    let slot = (value % 4_294_967_291) & mask;
    while (slots[slot] !== 0 && slots[slot] !== value) slot = (slot + 1) & mask;
    return slot;
  }
  function grow(): void {
    const values = slots;
    slots = new Float64Array(values.length * 2);
    for (const value of values) if (value !== 0) slots[slotOf(value)] = value;
  }

  return {
    get size() {
      return size;
    },
    has: (value) => slots[slotOf(value)] === value,
    add(value) {
      const slot = slotOf(value);
      if (slots[slot] === value) return;
      slots[slot] = value;
      size++;
      if (size * 2 > slots.length) grow();
    },
  };
}
