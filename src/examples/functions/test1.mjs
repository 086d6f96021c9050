/** The worked example: succeeds, unless the event asks it to fail. `test2` is told about a success, `test3` about a failure. */
export const handler = async (event) => {
  if (event?.fail === true) throw new Error('test1 was asked to fail');
  return { received: event };
};
