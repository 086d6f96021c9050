import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** Does what the event says: waits for a gate or a time, prints, fails its first attempts or all of them, returns. */
export const handler = async (event, context) => {
  const { gate, ms, prints, fails = 0, throws, returns } = event ?? {};
  if (prints !== undefined) context.getLogger().info(prints);
  if (gate !== undefined) while (!existsSync(join(context.getUserData('gates'), gate))) await wait(20);
  if (ms !== undefined) await wait(ms);
  if (throws !== undefined) throw new RangeError(throws);
  if (context.attempt <= fails) throw new TypeError(`attempt ${context.attempt} is meant to fail`);
  return returns ?? { done: true };
};
