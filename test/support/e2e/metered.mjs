import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Writes a line before and after each execution to a file, which survives the kill of a worker. */
export const handler = async (event, context) => {
  const id = `${context.getRequestID()} ${context.attempt}`;
  appendFileSync(context.getUserData('executions'), `+ ${id}\n`);
  await sleep(event.ms);
  appendFileSync(context.getUserData('executions'), `- ${id}\n`);
};
