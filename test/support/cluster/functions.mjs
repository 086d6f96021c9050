import { appendFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

/** Records the start and the end of each execution in a file. Fails the first attempt of an event that says so, or each one. */
export const record = async (event, context) => {
  const line = `${context.getRequestID()} ${context.attempt}\n`;
  appendFileSync(context.getUserData('executions'), `+ ${line}`);
  try {
    return await execute(event, context);
  } finally {
    // Before the worker has the result: the next execution of a key may start as soon as the worker has it.
    appendFileSync(context.getUserData('executions'), `- ${line}`);
  }
};

const execute = async (event, context) => {
  if (event.fails === 'always' || (event.fails === 'once' && context.attempt === 1)) throw new Error('the event says that it fails');
  if (event.takesUpToMs !== undefined) await wait(Math.random() * event.takesUpToMs);
  return { ok: true, ...(event.returns === 'text' ? { text: event.text } : {}) };
};
