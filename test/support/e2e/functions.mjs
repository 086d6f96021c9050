import { writeFileSync } from 'node:fs';
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

/** Writes down which process runs it; then hears nothing, or takes its time and says whether it is the same one. */
export const noted = async (event) => {
  writeFileSync(event.file, String(process.pid));
  if (event.deaf) for (;;) Math.sqrt(2);
  await sleep(event.ms);
  return process.pid;
};
