import { appendFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

/** Records each execution in a file. Fails the first attempt of an event that says so, or each one. */
export const record = async (event, context) => {
  appendFileSync(context.getUserData('executions'), `${context.getRequestID()} ${context.attempt}\n`);
  if (event.fails === 'always' || (event.fails === 'once' && context.attempt === 1)) throw new Error('the event says that it fails');
  if (event.takesUpToMs !== undefined) await wait(Math.random() * event.takesUpToMs);
  return { ok: true, ...(event.returns === 'text' ? { text: event.text } : {}) };
};
