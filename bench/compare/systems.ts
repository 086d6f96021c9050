import { startTestServer } from '#test/support/nats/nats-server.ts';
import { postgres } from './postgres.ts';
import { rabbitmq } from './rabbitmq.ts';
import { redisWith } from './redis.ts';
import { findPrograms, type ServerKind } from './server.ts';

/** What Sequent does in the comparison: the kind of its requests, and `, always` when the server syncs before it acknowledges. */
export type SequentForm = 'batches' | 'singles' | 'chains' | 'batches, always' | 'singles, always';

/** What a system is known by, beside its rate. */
export type Promises = {
  /** What can be asked about ended work. */
  history: 'every transition' | 'each step' | 'the last state' | 'none';
  /** Whether the disk has a request, and an outcome, when it is acknowledged. */
  syncs: boolean;
};

/** Another system that does the same work, with what its rate is compared with. Its settings, with their source, stand in its script. */
export type System = Promises & {
  title: string;
  /** Its worker and its load: a file of this folder. */
  script: string;
  /** What the script gets as its last argument. */
  form?: string;
  /** Systems with the same server share it. */
  server: ServerKind;
  /** npm packages, in the versions that were compared first, so that results stay comparable. */
  packages: readonly string[];
  /** The forms of Sequent whose rate is compared with that of the system, each with the least ratio; `undefined`: a figure without a bound. */
  versus: Readonly<Partial<Record<SequentForm, number | undefined>>>;
  /** Whether the latency of Sequent is compared with that of the system. */
  hasLatency?: boolean;
};

const nats: ServerKind = { apt: 'nats-server', find: () => findPrograms(['nats-server']), start: () => startTestServer() };

const pg = 'pg@8.23.1';
const bullmq = { script: 'bullmq', packages: ['bullmq@6.7.0', 'ioredis@5.9.2'], history: 'the last state', hasLatency: true } as const;
const jetstream = { script: 'jetstream', server: nats, packages: [], history: 'none', syncs: false } as const;

/*
 * absurd, which keeps a history too, is not among them: its package absurd-sdk has no tables, and the tool that creates them (absurdctl) is no package
 * of npm and downloads them.
 */
export const systems: readonly System[] = [
  {
    title: 'pg-boss',
    script: 'pg-boss',
    server: postgres,
    packages: ['pg-boss@12.38.0', pg],
    versus: { batches: 0.6, 'batches, always': undefined },
    history: 'the last state',
    syncs: true,
  },
  {
    title: 'graphile-worker',
    script: 'graphile-worker',
    server: postgres,
    packages: ['graphile-worker@0.18.0', pg],
    versus: { batches: 0.8, 'batches, always': undefined },
    history: 'none',
    syncs: true,
  },
  {
    title: 'DBOS',
    script: 'dbos',
    server: postgres,
    packages: ['@dbos-inc/dbos-sdk@5.3.0', pg],
    versus: { batches: undefined, 'singles, always': undefined },
    history: 'each step',
    syncs: true,
  },
  {
    title: 'RabbitMQ, quorum queues',
    script: 'rabbitmq',
    server: rabbitmq,
    packages: ['amqplib@2.3.1'],
    versus: { batches: 1.2, singles: 0.6, 'singles, always': 0.35 },
    history: 'none',
    syncs: true,
  },
  { title: 'BullMQ, everysec', form: 'everysec', server: redisWith('everysec'), ...bullmq, syncs: false, versus: { batches: 2 } },
  { title: 'BullMQ, always', form: 'always', server: redisWith('always'), ...bullmq, syncs: true, versus: { batches: 2.2 } },
  {
    title: 'Redis Streams, always',
    script: 'redis-streams',
    server: redisWith('always'),
    packages: ['ioredis@5.9.2'],
    versus: { singles: undefined, 'singles, always': undefined },
    history: 'none',
    syncs: true,
  },
  { title: 'JetStream work queue', form: 'queue', ...jetstream, versus: { singles: 1.1 } },
  // The ceilings for whatever stores what Sequent stores.
  { title: 'JetStream, the same four messages', form: 'log', ...jetstream, versus: { singles: undefined } },
  { title: 'JetStream, the same nine messages', form: 'chain', ...jetstream, versus: { chains: undefined } },
];

/** The systems whose servers are not installed, and the packages of Debian that have these servers. */
export function missingAmong(wanted: readonly System[]): { systems: readonly System[]; apt: readonly string[] } {
  const missing = wanted.filter(({ server }) => server.find() === undefined);
  return { systems: missing, apt: [...new Set(missing.map(({ server }) => server.apt))] };
}
