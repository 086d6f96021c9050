import type { Fact, FactOf } from './facts.ts';
import type { Group, InvocationContext } from './invocation-context.ts';

/**
 * The group of a debounced invocation.
 *
 * Requests of one key that follow each other closely become one group, and one of them runs: its leader, the newest one.
 *
 * 1. An invocation that waits for its group starts no attempt. Its stream alone says which part it gets, and it gets one part.
 * 2. `debounce.closed` makes it the leader, and names the members. It starts attempts as any other invocation.
 * 3. `debounce.joined` makes it a member of one leader. A member starts no attempt, and no outcome but that of its leader ends it.
 * 4. A wait for the group that follows `debounce.closed` changes nothing. Logs have such waits: two workers with an item of one stream could append
 *    one, and the machine refused every later fact. Now no role proposes one, and the invocations that have one go on.
 */
type Input = { context: InvocationContext; event: Fact };

/** Whether an invocation waits for its group, so that it may get a part. */
function waitsForGroup({ waitsFor, group }: InvocationContext): boolean {
  return waitsFor?.debounce !== undefined && group === null;
}

/** A group closes at the time that the log says, or later (T1). */
export function closesGroup({ context, event }: Input): boolean {
  return event.type === 'debounce.closed' && waitsForGroup(context) && event.at >= event.dueAt;
}

export function joinsGroup({ context, event }: Input): boolean {
  return event.type === 'debounce.joined' && waitsForGroup(context) && event.leader.invocation !== context.request?.invocation;
}

/** Whether an outcome is the one of the leader, or the invocation has no leader. */
export function isOfLeader(context: InvocationContext, { leader }: { leader?: string | undefined }): boolean {
  return leader === context.group?.leader?.invocation;
}

/** The group of an invocation after the fact that gives it its part. */
export function groupAfter({ waitsFor }: InvocationContext, fact: FactOf<'debounce.closed'> | FactOf<'debounce.joined'>): Group {
  const { at, keep } = fact;
  const part = fact.type === 'debounce.closed' ? { members: fact.members } : { leader: fact.leader };
  return { pool: waitsFor?.pool ?? '', key: waitsFor?.key ?? '', keep, at, ...part };
}
