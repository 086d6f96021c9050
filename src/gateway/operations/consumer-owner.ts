import type { SystemState } from '#src/client/client.ts';

/** The role that a durable consumer of the log belongs to, and the function whose work items it delivers. */
export function ownerOf({ name }: SystemState['consumers'][number]): { role: string; function: string } {
  if (name.startsWith('fn-')) return { role: 'worker', function: name.slice(3) };
  return { role: name === 'destinations' ? name : 'subscriber', function: '' };
}
