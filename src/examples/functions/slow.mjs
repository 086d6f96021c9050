import { setTimeout as wait } from 'node:timers/promises';

/** Waits for the time in the event, or for longer than its timeout. */
export const handler = async (event) => {
  const ms = typeof event?.ms === 'number' ? event.ms : 60_000;
  await wait(ms);
  return { waitedInMs: ms };
};
