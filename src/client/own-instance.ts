import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { RoleInstance } from '#src/core/ports/role-instances.ts';
import type { ServerClock } from '#src/nats/transport/server-clock.ts';

/** Describes this process as an instance with the given roles. The fields of its clock are read at every access. */
export function ownInstance(roles: readonly string[], clock: ServerClock, durability?: string): RoleInstance {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  return {
    instance: `i-${randomBytes(5).toString('hex')}`,
    roles,
    version,
    host: hostname(),
    pid: process.pid,
    startedAt: clock.now() - Math.round(performance.now()),
    durability,
    get clockAheadInMs() {
      return clock.offset === undefined ? undefined : Math.round(clock.offset.aheadInMs);
    },
    get clockUncertaintyInMs() {
      return clock.offset === undefined ? undefined : Math.ceil(clock.offset.uncertaintyInMs);
    },
    get takesWork() {
      return clock.isWithinLimit;
    },
  };
}
