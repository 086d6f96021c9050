import type { FunctionName } from '#src/core/names/names.ts';
import type { OpenStream } from './open-streams.ts';
import type { SchedulerOptions } from './ports.ts';

/** The requests that no worker was offered yet. */
export interface Backlog {
  holds(stream: OpenStream): Promise<boolean>;
}

const FRESH_FOR_MS = 1_000;

/** Asks the queue of a function at most once a second. */
export function createBacklog({ deliveredUpTo, clock }: Pick<SchedulerOptions, 'deliveredUpTo' | 'clock'>): Backlog {
  const answers = new Map<FunctionName, { at: number; upTo: Promise<number> }>();
  return {
    async holds({ name, request }) {
      if (request === undefined) return false;
      const last = answers.get(name.function);
      const isFresh = last !== undefined && clock.now() - last.at < FRESH_FOR_MS;
      const answer = isFresh ? last : { at: clock.now(), upTo: deliveredUpTo(name.function) };
      answers.set(name.function, answer);
      return request > (await answer.upTo);
    },
  };
}
