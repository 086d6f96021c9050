const MAX_ENTRIES = 1_000;
/** Bounds the memory of one entry: a path may be as long as the limit of all headers. */
const MAX_KEY_LENGTH = 512;

/**
 * Caches the value that `compute` returns for a text: callers repeat the same few texts. A full cache is cleared. The value of a long text
 * is not cached, nor is an exception.
 */
export function memoizeByText<Value>(compute: (text: string) => Value): (text: string) => Value {
  const known = new Map<string, Value>();
  return (text) => {
    const present = known.get(text);
    if (present !== undefined) return present;
    const value = compute(text);
    if (known.size >= MAX_ENTRIES) known.clear();
    if (text.length <= MAX_KEY_LENGTH) known.set(text, value);
    return value;
  };
}
