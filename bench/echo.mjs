/** The function that the benchmark runs: it returns its event. */
export const handler = async (event) => event;

/** The second of a chain: it returns what the first returned. */
export function told({ response_payload }) {
  return response_payload;
}
