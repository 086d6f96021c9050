import type { History } from '#src/core/history-questions.ts';
import type { CountMembers } from '#src/scheduler/ports.ts';

/** Counts members by the read model of a projection. */
export function createMemberCount(history: Pick<History, 'ask'>): CountMembers {
  return async (fn, batch, atLeast) => {
    const { batches, sequence } = await history.ask('batches', { id: batch, function: fn }, { atLeast });
    const { members = 0, byStatus = {} } = batches[0] ?? {};
    return { members, byStatus, open: (byStatus.WAIT ?? 0) + (byStatus.RUNNING ?? 0), sequence };
  };
}
