import { z } from 'zod';

/** Which requests of a group run: the newest one alone, or all of them as one array. */
export const keep = z.enum(['last', 'all']);
/** Another invocation of the function, and the sequence of its request message. */
const groupMember = z.object({ invocation: z.string(), request: z.int() });
const named = { invocation: z.string(), at: z.number() };

/** The group of the key is closed, and this invocation runs for it. `dueAt`: when the group closed, by the times of the log (T1). */
export const debounceClosed = z.object({
  type: z.literal('debounce.closed'),
  ...named,
  keep,
  dueAt: z.number(),
  /** The others of the group, in the order of their times. */
  members: z.array(groupMember),
});

/** This invocation is a member of a closed group, and ends when its leader does. */
export const debounceJoined = z.object({ type: z.literal('debounce.joined'), ...named, keep, leader: groupMember });
