import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Fails the first attempt of every seventh item, and takes long for every tenth, so that a kill cuts some. An event with `hangsOnce` hangs in
 * its first attempt, until the worker is killed. Records every execution in a file, which survives the kill of a server.
 */
export const handler = async (event, context) => {
  const attempt = context.attempt;
  appendFileSync(context.getUserData('executions'), `${context.getRequestID()} ${attempt}\n`);
  if (event.hangsOnce && attempt === 1) await new Promise(() => {});
  if (event.i % 10 === 0) await sleep(600);
  if (event.i % 7 === 0 && attempt === 1) throw new Error('the first attempt fails');
  return { i: event.i };
};
