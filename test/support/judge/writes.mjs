import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Writes a line before and after each execution, takes its time, and fails the first attempts of an event with `fails`. */
export const handler = async (event, context) => {
  const file = context.getUserData('executions');
  const name = `${context.getRequestID()} ${context.attempt}`;
  appendFileSync(file, `+ ${name}\n`);
  await sleep(event.ms ?? 0);
  appendFileSync(file, `- ${name}\n`);
  if ((event.fails ?? 0) >= context.attempt) throw new Error(`attempt ${context.attempt} fails`);
  return { id: context.getRequestID(), number: event.number };
};
