const MOST_REMEMBERED = 1_000;
/** A path may be as long as all headers together. */
const LONGEST_REMEMBERED = 512;

/**
 * Makes something of a text, and remembers it: callers say the same few texts again and again. When there are too many all are forgotten,
 * and what is made of a long one is not kept at all. Who throws is asked again.
 */
export function rememberByText<Value>(make: (text: string) => Value): (text: string) => Value {
  const known = new Map<string, Value>();
  return (text) => {
    const present = known.get(text);
    if (present !== undefined) return present;
    const made = make(text);
    if (known.size >= MOST_REMEMBERED) known.clear();
    if (text.length <= LONGEST_REMEMBERED) known.set(text, made);
    return made;
  };
}
