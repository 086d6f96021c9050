import { appendFileSync } from 'node:fs';

/** Records each execution in a file. Fails the first attempt of an event that says so. */
export const record = async (event, context) => {
  appendFileSync(context.getUserData('executions'), `${context.getRequestID()} ${context.attempt}\n`);
  if (event.fails && context.attempt === 1) throw new Error('the first attempt fails');
  return { ok: true };
};
