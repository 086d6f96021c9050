/** Tells how long the event was as JSON text. */
export const measure = async (event) => JSON.stringify({ length: JSON.stringify(event).length });
export const echo = (event) => event;
export const repeat = ({ times }) => 'x'.repeat(times);
