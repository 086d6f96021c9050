import type { Command } from 'commander';
import { formatMoment } from '#src/cli/print/format.ts';
import { say, sayWord } from '#src/cli/texts/say.ts';
import { openMembersOf } from '#src/client/invoke/batches.ts';
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
  return all.filter(([, count]) => count > 0).map(([word, count]) => [sayWord(word), count]);
}

/** Such as `3 of 5 over`. */
export function progressOf(batch: BatchSummary): string {
  return say('{done} of {members} over', { done: batch.members - openMembersOf(batch), members: batch.members });
}

/** Whether the state or the counts can still change. */
export function canChange(batch: BatchSummary): boolean {
  return batch.state === 'unopened' ? openMembersOf(batch) > 0 : batch.state !== 'notified';
}

export function stateInWords({ state, completedAt }: BatchSummary): string {
  switch (state) {
    case 'unopened':
      return say('unopened: nobody awaits the members');
    case 'open':
      return say('open: further members may follow');
    case 'sealed':
      return say('sealed: the members are awaited');
    case 'completed':
      return say('completed at {time}; its destinations are being told', { time: formatMoment(completedAt ?? 0) });
    case 'notified':
      return say('completed at {time}', { time: formatMoment(completedAt ?? 0) });
  }
}
