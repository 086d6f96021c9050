import { appendFile } from 'node:fs/promises';

/** Notes which events ran together, in a file that the test names. */
export const handler = async (events, context) => {
  const { file } = events[0];
  if (context.requestIds.length !== events.length) throw new Error('the context does not have the id of each event');
  await appendFile(file, `${JSON.stringify({ by: context.getRequestID(), numbers: events.map(({ number }) => number) })}\n`);
};
