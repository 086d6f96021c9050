import type { StreamInfo } from 'nats';
import { expect, test } from 'vitest';
import { readLogState } from '#src/nats/streams/log/log-state.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';

/** The answer of a replica on n1, as nats-server 2.15.1 sends it. `active` is the time since it heard from n1 itself, in nanoseconds. */
function answering(cluster: object): Connection {
  const replicas = ['n0', 'n1', 'n2'].map((name) => ({ name, current: name === 'n1', active: name === 'n1' ? 466_474_687 : 0 }));
  const state = { messages: 20, first_seq: 1, last_seq: 20 };
  const info = { created: '2026-01-01T00:00:00Z', config: { num_replicas: 3 }, state, cluster: { name: 'c', replicas, ...cluster } };
  return { manager: { streams: { info: async () => info as unknown as StreamInfo } } } as unknown as Connection;
}

test.for([{}, { leader: '' }])('the answer of a replica without a leader proves nothing about the log: %j', async (cluster) => {
  expect((await readLogState(answering(cluster))).authority).toBe('unproven');
});
