import type { SystemState } from '#src/client/client.ts';
import { HistoryUnavailableError } from '#src/core/errors.ts';
import type { GatewayClient } from '../ports.ts';
import type { Lag } from './lag-metrics.ts';

/** The role that a durable consumer of the log belongs to, and the function whose work items it delivers. */
export function ownerOf({ name }: SystemState['consumers'][number]): { role: string; function: string } {
  if (name.startsWith('fn-')) return { role: 'worker', function: name.slice(3) };
  return { role: name === 'destinations' ? name : 'subscriber', function: '' };
}

export async function readLag({ system, history }: Pick<GatewayClient, 'system' | 'history'>): Promise<Lag> {
  const [{ streams, consumers, oldestOpen, instances }, projection] = await Promise.all([system(), readProjection(history)]);
  const log = streams.find(({ name }) => name === 'INVOCATIONS');
  const { lastSequence, messages, bytes } = log?.exists ? log : { lastSequence: 0, messages: 0, bytes: 0 };
  // Subscribers choose their names, so a metric per subscriber would be unbounded.
  const ours = consumers.map((consumer) => ({ ...consumer, ...ownerOf(consumer) })).filter(({ role }) => role !== 'subscriber');
  return {
    lastSequence,
    messages,
    bytes,
    consumers: ours.map(({ role, function: token, pending, unacknowledged }) => ({
      role,
      function: token,
      waiting: pending,
      atWork: unacknowledged,
    })),
    projection,
    oldestOpenAt: oldestOpen?.acceptedAt,
    clocks: instances.flatMap(({ roles, host, clockAheadInMs }) =>
      clockAheadInMs === undefined ? [] : roles.map((role) => ({ role, host, aheadInMs: clockAheadInMs })),
    ),
    circuits: instances.flatMap(({ circuits = [] }) => circuits),
  };
}

async function readProjection({ status }: Pick<GatewayClient['history'], 'status'>): Promise<number | undefined> {
  try {
    return (await status({ timeoutInMs: 2_000 })).lag;
  } catch (error) {
    if (error instanceof HistoryUnavailableError) return undefined;
    throw error;
  }
}
