import type { Command } from 'commander';
import { formatMoment } from '#src/cli/print/format.ts';
import { openMembersOf } from '#src/client/batches.ts';
import type { BatchSummary } from '#src/core/batch-questions.ts';

export type BatchOwnerOptions = { function?: string };

/** Adds the argument that names a batch. */
export function addBatchArgument(command: Command): Command {
  return command
    .argument('<batch>', 'the id of the batch: its key, or the id that sequent invoke --batch printed')
    .option('--function <name>', 'its function, if several functions have a batch with this id');
}

/** The counts of the members by what became of them. A count of zero is left out, unless it is that of the open members. */
export function countsOf(batch: BatchSummary): [label: string, count: number][] {
  const { SUCCESS = 0, FAIL = 0, DISCARD = 0 } = batch.byStatus;
  const { queued = 0, running = 0, retrying = 0 } = batch.byState;
  const all: [string, number][] = [
    ['queued', queued],
    ['running', running],
    ['retrying', retrying],
    ['succeeded', SUCCESS],
    ['failed', FAIL],
    ['discarded', DISCARD],
  ];
  return all.filter(([, count]) => count > 0);
}

/** Such as `3 of 5 over`. */
export function progressOf(batch: BatchSummary): string {
  return `${batch.members - openMembersOf(batch)} of ${batch.members} over`;
}

/** Whether the state or the counts can still change. */
export function canChange(batch: BatchSummary): boolean {
  return batch.state === 'unopened' ? openMembersOf(batch) > 0 : batch.state !== 'notified';
}

export function stateInWords({ state, completedAt }: BatchSummary): string {
  switch (state) {
    case 'unopened':
      return 'unopened: nobody awaits the members';
    case 'open':
      return 'open: further members may follow';
    case 'sealed':
      return 'sealed: the members are awaited';
    case 'completed':
      return `completed at ${formatMoment(completedAt ?? 0)}; its destinations are being told`;
    case 'notified':
      return `completed at ${formatMoment(completedAt ?? 0)}`;
  }
}
