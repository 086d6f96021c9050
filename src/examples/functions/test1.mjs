/** The worked example: fails if the event demands it. Its destinations are `test2` for a success and `test3` for a failure. */
export const handler = async (event) => {
  if (event?.fail === true) throw new Error('test1 was asked to fail');
  return { received: event };
};
