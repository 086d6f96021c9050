import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { RoleInstance } from '#src/core/ports/role-instances.ts';

/** Describes this process as an instance with the given roles. */
export function ownInstance(roles: readonly string[], durability?: string): RoleInstance {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  return {
    instance: `i-${randomBytes(5).toString('hex')}`,
    roles,
    version,
    host: hostname(),
    pid: process.pid,
    startedAt: Math.round(performance.timeOrigin),
    durability,
  };
}
