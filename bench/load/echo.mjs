/** The function of the benchmark. Returns its event. */
export const handler = async (event) => event;

/** The second function of a chain. Returns the result of the first. */
export function second({ response_payload }) {
  return response_payload;
}

/** Does nothing, as the jobs of the other systems in the comparison. */
export const noop = async () => {};

/** Returns its event. An event with `fails` fails at the first attempt. */
export const flaky = async (event, context) => {
  if (event.fails && context.attempt === 1) throw new Error('the first attempt fails');
  return event;
};

/** In milliseconds. All processes of a machine share this clock, which runs evenly. */
const now = () => Number(process.hrtime.bigint()) / 1e6;

/** Takes as long as the event says. Returns when it ran. */
export const timed = async ({ ms = 0, key }) => {
  const from = now();
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
  return { key, from, to: now() };
};
