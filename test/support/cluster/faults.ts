import { systemClock } from '#src/core/ports/clock.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import type { Cluster } from './cluster.ts';
import { ROLES, type StormRoles } from './roles.ts';

export type FaultContext = { cluster: Cluster; roles: StormRoles; connection: Connection; random: () => number };
type Fault = {
  /** The longest time without an acknowledgement that is allowed, in milliseconds. */
  maxGapInMs?: number;
  /** Injects the fault, and removes it. */
  run(context: FaultContext): Promise<void>;
};

const KILL_AND_PAUSE_IN_MS = 10_000;
const sleepFor = (random: () => number, minInMs: number, maxInMs: number) => systemClock.sleep(minInMs + random() * (maxInMs - minInMs));

export const faults: Record<string, Fault> = {
  'partition of the leader': {
    async run({ cluster, random }) {
      const { routes } = await cluster.leader();
      for (const route of routes) route.set('cut');
      await sleepFor(random, 4_000, 9_000);
      for (const route of routes) route.set('open');
    },
  },
  'pause of the leader': {
    maxGapInMs: KILL_AND_PAUSE_IN_MS,
    async run({ cluster, random }) {
      const { server } = await cluster.leader();
      server.pause();
      await sleepFor(random, 3_000, 9_000);
      server.resume();
    },
  },
  'kill -9 of the leader': {
    maxGapInMs: KILL_AND_PAUSE_IN_MS,
    async run({ cluster, random }) {
      const { server } = await cluster.leader();
      await server.end('SIGKILL');
      await sleepFor(random, 500, 5_000);
      server.start();
    },
  },
  'rolling restart': {
    async run({ cluster }) {
      for (const { server } of cluster.members) {
        await server.end('SIGTERM');
        server.start();
        await server.healthy();
      }
    },
  },
  'step-down of the leader': {
    async run({ connection, random }) {
      for (let round = 0; round < 3; round++) {
        await connection.nats.request(`$JS.API.STREAM.LEADER.STEPDOWN.${INVOCATIONS}`, '', { timeout: 2_000 }).catch(() => {});
        await sleepFor(random, 300, 1_200);
      }
    },
  },
  'black hole around the leader': {
    async run({ cluster, random }) {
      const { routes, clients } = await cluster.leader();
      for (const proxy of [...routes, clients]) proxy.set('hole');
      await sleepFor(random, 4_000, 9_000);
      for (const proxy of [...routes, clients]) proxy.set('open');
    },
  },
  'slow routes': {
    async run({ cluster, random }) {
      const routes = cluster.members.flatMap((member) => member.routes);
      for (const route of routes) route.delay(20 + Math.floor(random() * 60));
      await sleepFor(random, 2_000, 4_000);
      for (const route of routes) route.delay(0);
    },
  },
  'kill -9 of a role': {
    maxGapInMs: 1_000,
    async run({ roles, random }) {
      const role = ROLES[Math.floor(random() * ROLES.length)];
      const victim = roles.all.filter((one) => one.role === role)[Math.floor(random() * 2)];
      if (victim === undefined) return;
      await roles.kill(victim);
      await roles.start(victim);
    },
  },
};
