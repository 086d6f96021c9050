import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/**
 * A function that does what its event says. It can wait for a gate or a time, print, throw (`fails` attempts, or all), and return a
 * value. A gate is a file that the test creates.
 */
export const handler = async (event, context) => {
  const { gate, ms, prints, throws, named, fails = throws === undefined ? 0 : Number.POSITIVE_INFINITY, returns } = event ?? {};
  if (prints !== undefined) context.getLogger().info(prints);
  if (gate !== undefined) while (!existsSync(join(context.getUserData('gates'), gate))) await wait(20);
  if (ms !== undefined) await wait(ms);
  if (context.attempt <= fails) {
    if (throws === undefined) throw new TypeError(`attempt ${context.attempt} fails as its event says`);
    throw Object.assign(new RangeError(throws), named === undefined ? {} : { name: named });
  }
  return returns ?? { done: true };
};
