import type { FunctionName } from '#src/core/names/names.ts';
import type { Ledger } from '#test/simulate/judges/ledger.ts';
import type { Plan, TurnKind, Turns } from '#test/simulate/plan.ts';
import type { ConsumerStep } from '../world/consumers.ts';
import { createChance } from '../world/engine.ts';
import type { ProcessKind } from '../world/roles.ts';
import type { Servers } from '../world/servers.ts';

/**
 * An invocation ends within this time. It takes some 50 ms. What a failed step left undone is found by the next list of the consumers or the one after
 * it (5 s each), and a dead process takes a lease (15 s) more.
 */
const ENDS_WITHIN_MS: Readonly<Record<TurnKind, number>> = { calm: 1_000, failing: 11_000, crashing: 100_000, unscheduled: 2_000 };
/** How often a request comes just when the consumer of its function is being removed. */
const RACES = 0.15;
/** The share of the invocations whose items may be delivered again, because they arrive while their consumer is removed. */
const DELIVERED_AGAIN = 0.25;
const removing: ReadonlySet<ConsumerStep> = new Set(['save floor', 'delete consumer']);

export function namesOfTurns({ functions }: Turns): string[] {
  return Array.from({ length: functions }, (_, number) => `turn-${number}`);
}

/** The kinds of the processes of such a world, by their names. There are always two workers. */
export function processesOfTurns({ kind }: Turns): Readonly<Record<string, ProcessKind>> {
  if (kind === 'unscheduled') return { worker: 'worker', 'other-worker': 'worker' };
  return { all: 'all', worker: 'worker', scheduler: 'scheduler' };
}

/** How long a process that ended may stay away. Without a scheduler for minutes, what it left is found by the other one alone. */
export function longestAbsenceInMs(plan: Plan, name: string): number {
  return plan.turns?.kind === 'crashing' && name === 'scheduler' ? 300_000 : 3_000;
}

/** Sends a request at some removals of a consumer. The returned function ends it. */
export function sendAtRemovals(servers: Servers, seed: number, send: (name: FunctionName) => void): () => void {
  const chance = createChance(seed ^ 0x7a5e);
  servers.onConsumerStep = (name, step) => {
    // Only a removal asks for the newest item of a function that has a consumer.
    const isRemoval = step === 'newest item' ? servers.queue.consumerOf(name).exists : removing.has(step);
    if (isRemoval && chance.happens(RACES)) send(name);
  };
  return () => {
    servers.onConsumerStep = undefined;
  };
}

/**
 * Judges how long the invocations waited: the scheduler would end every invocation, some of them late. And how often items were delivered again:
 * without a fault, only an item that arrives during a removal is.
 */
export function judgeTurns({ turns }: Plan, ledger: Ledger): void {
  if (turns === undefined) return;
  const allowed = ENDS_WITHIN_MS[turns.kind];
  for (const { id, name, acceptedAt, outcomes } of ledger.lives.values()) {
    const took = (outcomes[0]?.at ?? acceptedAt) - acceptedAt;
    if (took > allowed)
      ledger.problem(`CONS1: ${id} of ${name.function} ended ${took} ms after its request, and ${allowed} ms are allowed`);
  }
  const again = ledger.redeliveries.length;
  if (turns.kind === 'calm' && again > ledger.lives.size * DELIVERED_AGAIN)
    ledger.problem(`CONS3: without a fault, items were delivered again ${again} times`);
}
