/** `test2` and `test3`: print the envelope of the outcome that they are told about. */
export const handler = async (event, context) => {
  context.getLogger().info(`${context.functionName} was told: ${JSON.stringify(event)}`);
  return { told: event?.request_context?.request_id ?? null };
};
