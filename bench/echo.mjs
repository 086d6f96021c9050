/** The function of the benchmark. Returns its event. */
export const handler = async (event) => event;

/** The second function of a chain. Returns the result of the first. */
export function second({ response_payload }) {
  return response_payload;
}
