/** The first example: returns a greeting, and prints one line, which the timeline shows. */
export const handler = async (event, context) => {
  const name = typeof event?.name === 'string' ? event.name : 'world';
  context.getLogger().info(`greeting ${name}, attempt ${context.attempt}`);
  return { greeting: `Hello, ${name}!`, requestId: context.requestId };
};
