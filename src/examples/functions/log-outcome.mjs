/** `test2` and `test3`: print the envelope of the outcome that is their event. */
export const handler = async (event, context) => {
  context.getLogger().info(`${context.functionName} received: ${JSON.stringify(event)}`);
  return { outcomeOf: event?.request_context?.request_id ?? null };
};
