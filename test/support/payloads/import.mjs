/** Tells how long the event was as JSON text. */
export const measure = async (event) => JSON.stringify({ length: JSON.stringify(event).length });
export const echo = (event) => event;
export const repeat = ({ times }) => 'x'.repeat(times);

/** Prints many lines, and a password among them. The first attempt fails. */
export const talk = async ({ lines }, context) => {
  for (let i = 0; i < lines; i++) process.stdout.write(`line ${i} of attempt ${context.attempt}\n`);
  process.stdout.write('password=hunter2-in-the-middle\n');
  for (let i = lines; i < 2 * lines; i++) process.stdout.write(`line ${i} of attempt ${context.attempt}\n`);
  if (context.attempt === 1) throw new Error('the first attempt fails');
};
