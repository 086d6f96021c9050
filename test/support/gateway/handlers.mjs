import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

export const greet = async ({ name }) => JSON.stringify(`hello ${name}`);

export const fail = async () => {
  throw new Error('as it was told');
};

export const sleep = async ({ ms }) => {
  await delay(ms);
};

export const trace = async (_, context) => context.traceparent ?? 'none';

/** Whether the function knows its secret, which the result must not contain. */
export const check = async ({ sha256 }, context) => createHash('sha256').update(context.getUserData('secret')).digest('hex') === sha256;

/** Prints a text, and returns it or throws it. */
export const speak = async ({ text, fails }) => {
  process.stdout.write(`printed ${text}\n`);
  if (fails) throw new Error(`failed with ${text}`);
  return { text };
};
