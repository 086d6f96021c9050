import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Sleeps for `ms`, then returns the number of its attempt. */
export const slowly = async (event, context) => {
  await sleep(event.ms ?? 0);
  return { attempt: context.attempt, i: event.i };
};

/** Fails until its third attempt. */
export const third = async (_event, context) => {
  if (context.attempt < 3) throw new Error(`attempt ${context.attempt} fails`);
  return context.attempt;
};

/** Never returns. */
export const forever = () => new Promise(() => {});

/** Writes the id of its process to a file. Then it blocks the process when `deaf`, or waits for the file `gate` and returns the id. */
export const noted = async (event) => {
  writeFileSync(event.file, String(process.pid));
  if (event.deaf) for (;;) Math.sqrt(2);
  await opened(event.gate);
  return process.pid;
};

/** Waits for the file `gate`, then returns the number of its attempt. */
export const gated = async (event, context) => {
  await opened(event.gate);
  return { attempt: context.attempt };
};

/** Fails until its second attempt. */
export const second = async (_event, context) => {
  if (context.attempt < 2) throw new Error(`attempt ${context.attempt} fails`);
  return context.attempt;
};

/** Resolves when the test has created the file. */
async function opened(gate) {
  while (!existsSync(gate)) await sleep(20);
}
