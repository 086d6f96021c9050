/** The function of the benchmark. Returns its event. */
export const handler = async (event) => event;

/** The second function of a chain. Returns the result of the first. */
export function second({ response_payload }) {
  return response_payload;
}

/** Returns its event. An event with `fails` fails at the first attempt. */
export const flaky = async (event, context) => {
  if (event.fails && context.attempt === 1) throw new Error('the first attempt fails');
  return event;
};
