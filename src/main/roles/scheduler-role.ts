import { randomBytes } from 'node:crypto';
import { sweepPackagesRegularly } from '#src/functions/package-sweep.ts';
import { createLastingHints } from '#src/nats/streams/queue/lasting-hints.ts';
import { fireSchedules } from '#src/scheduler/fire/fire-schedules.ts';
import { createMemberCount } from '#src/scheduler/inspect/count-members.ts';
import { type Scheduler, startScheduler } from '#src/scheduler/scheduler.ts';
import { sweepPayloadsRegularly } from '#src/scheduler/sweep-payloads.ts';
import { payloadSweepOf } from './payload-sweep.ts';
import { commonPorts, type RoleContext, withoutYoungGrowth } from './role-context.ts';

/** The scheduler, which also fires the schedules, and removes code packages and large payloads that nothing refers to any more. */
export async function startSchedulerRole(context: RoleContext): Promise<Pick<Scheduler, 'stop'>> {
  const { options, ports, maxDeliveryAgeInMs, closing } = context;
  const takesWork = (): boolean => ports.clock.isWithinLimit;
  const { patienceInMs, logger } = options;
  const name = `scheduler-${randomBytes(4).toString('hex')}`;
  void sweepPackagesRegularly({ packages: ports.packages, functions: ports.functions, clock: ports.clock, logger }, closing.signal);
  const common = { ...commonPorts(context, name), name, hints: createLastingHints({ ...ports, signal: closing.signal }) };
  const scheduler = await startScheduler({
    ...common,
    deliveredUpTo: ports.queue.deliveredUpTo,
    countMembers: createMemberCount(ports.history),
    takesWork,
    patienceInMs,
    maxDeliveryAgeInMs,
  });
  void sweepPayloadsRegularly(
    { ...payloadSweepOf({ ...options, ports, open: scheduler.open, signal: closing.signal }), logger },
    closing.signal,
  );
  const schedules = await fireSchedules({ ...common, registry: context.schedules, takesWork });
  void withoutYoungGrowth(() => schedules.checked);
  return {
    async stop() {
      await Promise.all([schedules.stop(), scheduler.stop()]);
    },
  };
}
