import { isOutcome } from '#machines/facts.ts';
import type { Batches } from '#src/client/invoke/batches.ts';
import type { createRequests } from '#src/client/invoke/requests.ts';
import { SequentError } from '#src/core/errors.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import type { CountMembers } from '#src/scheduler/ports.ts';
import type { Chance } from '../world/engine.ts';
import type { Process } from '../world/process.ts';
import type { Servers } from '../world/servers.ts';

const MEMBERS = 6;
const AGAIN_AFTER_MS = 1_000;
/** How many messages of the log the read model lacks at most. */
const BEHIND = 30;

type Sending = {
  client: Process;
  requests: Pick<ReturnType<typeof createRequests>, 'send'>;
  batches: Batches;
};

/** Opens a batch, sends its members, and seals it. Every third one is cancelled while its members are sent. */
export async function sendBatch(
  { client, requests, batches }: Sending,
  { id, name, chance }: { id: string; name: FunctionName; chance: Chance },
): Promise<void> {
  const batch = { function: name as string, id };
  const request = await untilDone(client, () => batches.open({ ...batch, onComplete: [] }));
  const cancelsAt = chance.happens(0.33) ? chance.between(1, MEMBERS) : MEMBERS;
  for (let number = 0; number < MEMBERS; number++) {
    if (number === cancelsAt) await untilDone(client, () => batches.seal({ ...batch, request }, 'canceled'));
    // The outcome of a request without an answer is unknown, and its sender does not repeat it.
    await requests.send(name, { payload: JSON.stringify({ number, customer: number % 3 }), batch: id }).catch(ignoreExpected);
    await client.clock.sleep(chance.between(0, 2_000));
  }
  await untilDone(client, () => batches.seal({ ...batch, request }));
}

/** An open batch is sealed after a day, and a world does not last so long. */
async function untilDone<Value>(client: Process, action: () => Promise<Value>): Promise<Value> {
  for (;;) {
    try {
      return await action();
    } catch (error) {
      ignoreExpected(error);
      await client.clock.sleep(AGAIN_AFTER_MS);
    }
  }
}

function ignoreExpected(error: unknown): void {
  if (!(error instanceof SequentError)) throw error;
}

/** Counts the members of a batch as a read model does that is behind the log, and that holds a sequence at least. */
export function countMembersOf(process: Process, servers: Servers): CountMembers {
  return (fn, batch, atLeast) =>
    process.call(`count ${batch}`, () => {
      const sequence = Math.max(atLeast, servers.last() - process.engine.chance.between(0, BEHIND));
      const read = servers.entries.filter((entry) => entry.sequence <= sequence);
      const outcomes = new Map(membersIn(read, fn, batch).map((id) => [id, 'open']));
      const facts = read.flatMap((entry) => (entry.kind === 'append' && entry.name.function === fn ? entry.append.facts : []));
      for (const fact of facts) if (isOutcome(fact) && outcomes.has(fact.invocation)) outcomes.set(fact.invocation, fact.type);
      const count = (wanted: string): number => [...outcomes.values()].filter((found) => found === wanted).length;
      return { members: outcomes.size, open: count('open'), byStatus: { SUCCESS: count('succeeded'), FAIL: count('failed') }, sequence };
    });
}

function membersIn(entries: readonly FullLogEntry[], fn: FunctionName, batch: string): string[] {
  const requests = entries.flatMap((entry) =>
    entry.kind === 'request' && entry.message.name.function === fn ? entry.message.requests : [],
  );
  return requests.flatMap(({ fact }) => (fact.batch === batch ? [fact.invocation] : []));
}
