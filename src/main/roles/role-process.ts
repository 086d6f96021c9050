import type { Logger } from 'pino';
import { natsOptionsOf } from '#src/nats/transport/connect-options.ts';
import { type Connection, openConnection } from '#src/nats/transport/connection.ts';
import { endOnDefect } from './defects.ts';
import { createLog } from './log.ts';
import type { RoleProcessOptions } from './role-supervisor.ts';

/** Starts a role on its own connection. */
export type StartRole<Options extends RoleProcessOptions> = (started: {
  connection: Connection;
  options: Options;
  logger: Logger;
}) => Promise<{ stop(): Promise<void> }>;

/**
 * Runs a role as the only one of this process, because its work would delay the worker.
 *
 * 1. The parent process sends the options as a message, because other users can read the arguments of a process.
 * 2. The message `stop` stops the role. When the parent ends, this process ends.
 */
export function runAsProcess<Options extends RoleProcessOptions>(role: string, start: StartRole<Options>): void {
  // A terminal and systemd send both signals to the whole process group. Only the parent decides when this process stops.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
  process.on('disconnect', () => process.exit(0));
  // Before the role runs there is nothing to finish.
  let stop = async (): Promise<void> => process.exit(0);
  process.on('message', (message) => void (message === 'stop' ? stop() : run(message as Options)));

  async function run(options: Options): Promise<void> {
    const { address, logLevel } = options;
    const logger = createLog({ level: logLevel, role });
    endOnDefect(logger);
    try {
      const connection = await openConnection({ role, ...natsOptionsOf(address), name: `sequent-${role}` });
      connection.refusals.onMissingPermission((message) => logger.error({}, message));
      const started = await start({ connection, options, logger });
      stop = async () => {
        await started.stop();
        await connection.close();
        process.exit(0);
      };
    } catch (err) {
      // Usually NATS is unreachable. The parent starts this process again.
      logger.error({ err }, `the ${role} cannot start`);
      process.exit(1);
    }
  }
}
