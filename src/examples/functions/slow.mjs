import { setTimeout as wait } from 'node:timers/promises';

/** Takes longer than its timeout allows, unless the event says how long. */
export const handler = async (event) => {
  const ms = typeof event?.ms === 'number' ? event.ms : 60_000;
  await wait(ms);
  return { waitedInMs: ms };
};
