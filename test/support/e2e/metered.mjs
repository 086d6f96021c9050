import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Writes a line before and after each execution to a file, which survives the kill of a worker. Writes the start and the end of each execution that
 * ended, in milliseconds since the epoch, to a second file.
 */
export const handler = async (event, context) => {
  const id = `${context.getRequestID()} ${context.attempt}`;
  const startedAt = Date.now();
  appendFileSync(context.getUserData('executions'), `+ ${id}\n`);
  await sleep(event.ms);
  appendFileSync(context.getUserData('executions'), `- ${id}\n`);
  appendFileSync(context.getUserData('spans'), `${startedAt} ${Date.now()}\n`);
};
