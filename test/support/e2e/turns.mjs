import { setTimeout as sleep } from 'node:timers/promises';

/** Takes its time, and fails the first attempt of an event with `fails`. */
export const handler = async ({ ms = 1, fails = false }, context) => {
  await sleep(ms);
  if (fails && context.attempt === 1) throw new Error('the first attempt fails');
};
