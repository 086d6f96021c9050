/** The function that the benchmark runs: it returns its event. */
export const handler = async (event) => event;

export function told({ response_payload }) {
  return response_payload;
}
