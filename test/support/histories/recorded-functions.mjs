import { setTimeout as sleep } from 'node:timers/promises';

/** An error whose stack names no folder of the machine that records a history. */
function failure(message) {
  const error = new Error(message);
  error.stack = `Error: ${message}\n    at handler (file:///app/orders.mjs:4:9)`;
  return error;
}

/** Returns after `ms`; fails while `failures` is not less than the number of the attempt. */
export const handler = async ({ ms = 0, failures = 0 }, { attempt }) => {
  await sleep(ms);
  if (attempt <= failures) throw failure(`attempt ${attempt} fails`);
  return { attempt };
};
