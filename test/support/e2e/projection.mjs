/** Fails the first attempt of every fifth item, and every attempt of every eleventh. */
export const work = async (event, context) => {
  if (event.i % 5 === 0 && context.attempt === 1) throw new Error(`item ${event.i} fails at first`);
  if (event.i % 11 === 0) throw new TypeError(`item ${event.i} always fails`);
  return { done: event.i };
};

export const delivered = async () => ({ delivered: true });
