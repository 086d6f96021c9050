import type { SystemState } from '#src/client/client.ts';
import { HistoryUnavailableError } from '#src/core/errors.ts';
import { ownerOf } from '../../operations/consumer-owner.ts';
import type { Gateway } from '../../ports.ts';
import type { Scope } from '../../scope.ts';
import type { SystemView } from './system-schemas.ts';

type Lag = SystemView['lags'][number];
type Consumer = SystemState['consumers'][number] & { role: string; token: string };

/** Bounds the questions of one call: the functions with the most waiting messages come first. */
const MAX_AGES = 50;

/** The backlog of each consumer that the caller may see, and the age of the oldest queued invocation of each function. */
export async function lagsOf(gateway: Gateway, scope: Scope, { consumers }: Pick<SystemState, 'consumers'>): Promise<Lag[]> {
  const visible = consumers
    .map((consumer): Consumer => {
      const { role, function: token } = ownerOf(consumer);
      return { ...consumer, role, token };
    })
    .filter(({ token }) => token === '' || scope.owns(token));
  const oldest = await oldestQueued(gateway, visible);
  return visible.map(({ role, name, token, pending, unacknowledged, redelivered, waiting }) => {
    const oldestAt = oldest.get(token);
    return {
      role,
      name: token === '' ? name : scope.nameOf(token),
      waiting: pending,
      at_work: unacknowledged,
      again: redelivered,
      is_attended: waiting > 0,
      ...(oldestAt === undefined ? {} : { oldest_at: oldestAt }),
    };
  });
}

/** When the oldest queued invocation of each function with a backlog was accepted, by function. Empty without a projection. */
async function oldestQueued({ client }: Gateway, consumers: readonly Consumer[]): Promise<ReadonlyMap<string, number>> {
  const queues = consumers
    .filter(({ token, pending, unacknowledged }) => token !== '' && pending + unacknowledged > 0)
    .sort((one, other) => other.pending - one.pending)
    .slice(0, MAX_AGES);
  try {
    const found = await Promise.all(
      queues.map(async ({ token }) => {
        const { invocations } = await client.history.list({ function: token, state: ['queued'], order: 'oldest', limit: 1 });
        return invocations.map(({ acceptedAt }): [string, number] => [token, acceptedAt]);
      }),
    );
    return new Map(found.flat());
  } catch (error) {
    if (error instanceof HistoryUnavailableError) return new Map();
    throw error;
  }
}
