import { randomBytes } from 'node:crypto';
import { silentLogger } from '#src/core/ports/logger.ts';
import { type RunningRoles, startRoles } from '#src/main/roles/roles.ts';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { sweepPayloads } from '#src/scheduler/sweep-payloads.ts';
import { type OpenedNats, topology } from '#test/support/nats/opened-nats.ts';

export const WAITING = { timeout: 30_000, interval: 50 };
export const newId = (): string => `import-${randomBytes(6).toString('hex')}`;

/** The invocations whose objects are in the store, with repetitions. */
export const storedIds = async ({ ports }: OpenedNats): Promise<string[]> =>
  (await ports.payloadRemoval.list()).map(({ owner }) => owner?.invocation ?? '?').sort();

export const sweep = ({ ports }: OpenedNats, known: readonly string[], graceInMs = 0): Promise<number> =>
  sweepPayloads({
    stored: ports.payloadRemoval,
    catchUp: async () => true,
    isInLog: async ({ stream }) => known.includes(stream),
    clock: { ...ports.clock, now: () => ports.clock.now() + 1_000, sleep: async () => {} },
    graceInMs,
  });

/** Without it, no retry is due, and a queued request has no append by which it is found. */
export async function startScheduler(servers: string): Promise<RunningRoles & AsyncDisposable> {
  const roles = await startRoles({
    connection: await openConnection({ servers, role: 'scheduler' }),
    roles: ['scheduler'],
    topology,
    leaseInMs: 1_500,
    patienceInMs: 500,
    maxHops: 16,
    maxChain: 1_000,
    tenancy: { region: 'local', project: 'default' },
    logger: silentLogger,
  });
  return { ...roles, [Symbol.asyncDispose]: () => roles.stop(1_000) };
}
