import { appendFileSync } from 'node:fs';

/** Fails on the first attempt of every seventh item; writes every execution down where no kill of a server reaches it. */
export const handler = async (event, context) => {
  const attempt = context.attempt;
  appendFileSync(context.getUserData('executions'), `${context.getRequestID()} ${attempt}\n`);
  if (event.i % 7 === 0 && attempt === 1) throw new Error('the first attempt fails');
  return { i: event.i };
};
