import type { Logger } from 'pino';
import { natsOptionsOf } from '#src/nats/transport/connect-options.ts';
import { type Connection, openConnection } from '#src/nats/transport/connection.ts';
import { endOnDefect } from './defects.ts';
import { createLog } from './log.ts';
import type { RoleProcessOptions } from './role-supervisor.ts';

/** Starts a role on a connection of its own. */
export type StartRole<Order extends RoleProcessOptions> = (started: {
  connection: Connection;
  order: Order;
  logger: Logger;
}) => Promise<{ stop(): Promise<void> }>;

/**
 * A role in a process of its own, because its work would hold up the worker's. It gets its order from the process that started it,
 * never by an argument that others could read, and ends with it.
 */
export function runAsProcess<Order extends RoleProcessOptions>(role: string, start: StartRole<Order>): void {
  // Both reach the whole group, from the terminal or from systemd. The process that started this one says when to stop.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
  process.on('disconnect', () => process.exit(0));
  // Until it runs there is nothing to finish.
  let stop = async (): Promise<void> => process.exit(0);
  process.on('message', (order) => void (order === 'stop' ? stop() : run(order as Order)));

  async function run(order: Order): Promise<void> {
    const { address, logLevel } = order;
    const logger = createLog({ level: logLevel, role });
    endOnDefect(logger);
    try {
      const connection = await openConnection({ ...natsOptionsOf(address), name: `sequent-${role}` });
      connection.refusals.onMissingPermission((message) => logger.error({}, message));
      const started = await start({ connection, order, logger });
      stop = async () => {
        await started.stop();
        await connection.close();
        process.exit(0);
      };
    } catch (err) {
      // Most often NATS is away. The process that started this one tries again.
      logger.error({ err }, `the ${role} cannot start`);
      process.exit(1);
    }
  }
}
