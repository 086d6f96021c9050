import { startTestServer } from '#test/support/nats/nats-server.ts';
import { postgres } from './postgres.ts';
import { rabbitmq } from './rabbitmq.ts';
import { redisWith } from './redis.ts';
import { findPrograms, type ServerKind } from './server.ts';

/** Another system that does the same work, with what its rate is compared with. */
export type System = {
  title: string;
  /** Its worker and its load: a file of this folder. */
  script: string;
  /** What the script gets as its last argument. */
  form?: string;
  /** Systems with the same server share it. */
  server: ServerKind;
  /** npm packages, in the versions that were compared first, so that results stay comparable. */
  packages: readonly string[];
  /** The requests of Sequent that its rate is compared with. */
  versus: 'batches' | 'singles' | 'chains';
  /** The least ratios of the rates, Sequent's over that of the system. */
  bounds: readonly number[];
  /** Whether the latency of Sequent is compared with that of the system. */
  hasLatency?: boolean;
};

const nats: ServerKind = { apt: 'nats-server', find: () => findPrograms(['nats-server']), start: () => startTestServer() };

const bullmq = { script: 'bullmq', packages: ['bullmq@6.7.0', 'ioredis@5.9.2'], versus: 'batches', bounds: [2], hasLatency: true } as const;

const jetstream = { script: 'jetstream', server: nats, packages: [] } as const;

export const systems: readonly System[] = [
  { title: 'pg-boss', script: 'pg-boss', server: postgres, packages: ['pg-boss@10.4.2'], versus: 'batches', bounds: [0.5, 0.8] },
  {
    title: 'graphile-worker',
    script: 'graphile-worker',
    server: postgres,
    packages: ['graphile-worker@0.17.3'],
    versus: 'batches',
    bounds: [],
  },
  {
    title: 'RabbitMQ, quorum queues',
    script: 'rabbitmq',
    server: rabbitmq,
    packages: ['amqplib@2.3.1'],
    versus: 'batches',
    bounds: [1.2],
  },
  { title: 'BullMQ, everysec', server: redisWith('everysec'), ...bullmq },
  { title: 'BullMQ, always', server: redisWith('always'), ...bullmq },
  { title: 'JetStream work queue', form: 'queue', ...jetstream, versus: 'singles', bounds: [1] },
  // The ceilings for whatever stores what Sequent stores.
  { title: 'JetStream, the same four messages', form: 'log', ...jetstream, versus: 'singles', bounds: [] },
  { title: 'JetStream, the same nine messages', form: 'chain', ...jetstream, versus: 'chains', bounds: [] },
];

/** The systems whose servers are not installed, and the packages of Debian that have these servers. */
export function missingAmong(wanted: readonly System[]): { systems: readonly System[]; apt: readonly string[] } {
  const missing = wanted.filter(({ server }) => server.find() === undefined);
  return { systems: missing, apt: [...new Set(missing.map(({ server }) => server.apt))] };
}
