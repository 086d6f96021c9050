import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Prints its event and returns it. */
export const echo = async (event, context) => {
  context.getLogger().info(JSON.stringify(event));
  return event;
};

/** Behaves as the event says: throws, hangs, returns too much, succeeds late. Appends each execution to the file `executions`. */
export const obey = async (event, context) => {
  const file = context.getUserData('executions');
  if (file) appendFileSync(file, `${context.getRequestID()}\n`);
  const ms = event.ms ?? context.getUserData('ms');
  if (ms !== undefined) await sleep(Number(ms));
  if (event.failUntil !== undefined && context.attempt < event.failUntil)
    throw new TypeError(`attempt ${context.attempt} fails as requested`);
  if (event.bytes !== undefined) return 'x'.repeat(event.bytes);
  return event.value ?? null;
};
