import { setTimeout as sleep } from 'node:timers/promises';

/** Takes its time, then says which attempt it was. */
export const slowly = async (event, context) => {
  await sleep(event.ms ?? 0);
  return { attempt: context.attempt, i: event.i };
};

/** Fails until its third attempt. */
export const third = async (_event, context) => {
  if (context.attempt < 3) throw new Error(`attempt ${context.attempt} fails`);
  return context.attempt;
};

/** Never ends by itself. */
export const forever = () => new Promise(() => {});
