import { appendFileSync } from 'node:fs';

/** Fails the first attempt of every seventh item. Records every execution in a file, which survives the kill of a server. */
export const handler = async (event, context) => {
  const attempt = context.attempt;
  appendFileSync(context.getUserData('executions'), `${context.getRequestID()} ${attempt}\n`);
  if (event.i % 7 === 0 && attempt === 1) throw new Error('the first attempt fails');
  return { i: event.i };
};
