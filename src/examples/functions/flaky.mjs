/** Fails twice, and succeeds on its third attempt. */
export const handler = async (_event, context) => {
  if (context.attempt < 3) throw new Error(`attempt ${context.attempt} is not good enough`);
  return { succeededOn: context.attempt };
};
