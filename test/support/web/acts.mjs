import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** Does what the event says: waits for a gate or a time, prints, throws in its first attempts or in all of them, returns. */
export const handler = async (event, context) => {
  const { gate, ms, prints, throws, named, fails = throws === undefined ? 0 : Number.POSITIVE_INFINITY, returns } = event ?? {};
  if (prints !== undefined) context.getLogger().info(prints);
  if (gate !== undefined) while (!existsSync(join(context.getUserData('gates'), gate))) await wait(20);
  if (ms !== undefined) await wait(ms);
  if (context.attempt <= fails) {
    if (throws === undefined) throw new TypeError(`attempt ${context.attempt} is meant to fail`);
    throw Object.assign(new RangeError(throws), named === undefined ? {} : { name: named });
  }
  return returns ?? { done: true };
};
