import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Waits for the file `gate`, takes its time, and fails the first attempt of an event with `fails`. */
export const handler = async ({ ms = 1, fails = false, gate }, context) => {
  while (gate !== undefined && !existsSync(gate)) await sleep(20);
  await sleep(ms);
  if (fails && context.attempt === 1) throw new Error('the first attempt fails');
};
