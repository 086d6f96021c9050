import { type ConsumerConfig, DeliverPolicy } from 'nats';
import { ALL_RESULTS } from '#src/core/names/subjects.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { RESULTS } from '#src/nats/wire/topology.ts';

/** So many consumers are read, which takes four answers of the server. A stream with more has followers that a person knows of. */
const MAX_CONSUMERS = 1_024;

/**
 * The subjects that the consumers of RESULTS read: what its followers are told. `undefined` when the consumers cannot be read, or are more
 * than 1,024. The look-ups of roles, which read from a time and end at once, do not count.
 */
export async function readResultFilters({ manager }: Pick<Connection, 'manager'>): Promise<string[] | undefined> {
  const found = new Set<string>();
  let count = 0;
  try {
    for await (const { config } of manager.consumers.list(RESULTS)) {
      if (++count > MAX_CONSUMERS) return undefined;
      if (!isLookUp(config)) for (const filter of filtersOf(config)) found.add(filter);
    }
  } catch {
    return undefined;
  }
  return [...found];
}

const isLookUp = ({ deliver_policy, durable_name }: ConsumerConfig): boolean =>
  deliver_policy === DeliverPolicy.StartTime && durable_name === undefined;

function filtersOf({ filter_subject, filter_subjects = [] }: ConsumerConfig): string[] {
  const filters = [...(filter_subject === undefined || filter_subject === '' ? [] : [filter_subject]), ...filter_subjects];
  return filters.length === 0 ? [ALL_RESULTS] : filters;
}
