import type { Logger } from 'pino';
import { natsOptionsOf } from '#src/nats/transport/connection/connect-options.ts';
import { type Connection, openConnection } from '#src/nats/transport/connection/connection.ts';
import { endOnDefect } from './defects.ts';
import { collectWhenIdle } from './idle-memory.ts';
import { createLog } from './log.ts';
import type { RoleProcessOptions } from './role-supervisor.ts';

/** Starts a role on its own connection. */
export type StartRole<Options extends RoleProcessOptions> = (started: {
  connection: Connection;
  options: Options;
  logger: Logger;
}) => Promise<{ stop(): Promise<void>; reload?(): Promise<void>; release?(): void }>;

/**
 * Runs a role as the only one of this process, because its work would delay the worker.
 *
 * 1. The parent process sends the options as a message, because other users can read the arguments of a process.
 * 2. The message `stop` stops the role, and `reload` makes it read its files again. When the parent ends, this process ends.
 * 3. The message `ready` tells the parent that the role does its work.
 * 4. After a load, `release` gives back memory that the role keeps for speed, and the heap is collected.
 */
export function runAsProcess<Options extends RoleProcessOptions>(role: string, start: StartRole<Options>): void {
  // A terminal and systemd send these signals to the whole process group. Only the parent decides when this process stops or reloads.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  process.on('disconnect', () => process.exit(0));
  // Before the role runs there is nothing to finish.
  let stop = async (): Promise<void> => process.exit(0);
  let reload = async (): Promise<void> => {};
  process.on('message', (message) => {
    if (message === 'stop') void stop();
    else if (message === 'reload') void reload();
    else void run(message as Options);
  });

  async function run(options: Options): Promise<void> {
    const { address, logLevel } = options;
    const logger = createLog({ level: logLevel, role });
    endOnDefect(logger);
    try {
      const connection = await openConnection(
        { role, ...natsOptionsOf(address), name: `sequent-${role}` },
        { onUnanswered: (problem) => logger.warn({}, problem) },
      );
      connection.refusals.onMissingPermission((message) => logger.error({}, message));
      const started = await start({ connection, options, logger });
      reload = async () => {
        await started.reload?.().catch((err: unknown) => logger.error({ err }, `the ${role} cannot use its changed files`));
      };
      const endCollecting = collectWhenIdle({ release: () => started.release?.() });
      stop = async () => {
        endCollecting();
        await started.stop();
        await connection.close();
        process.exit(0);
      };
      // The server knows all subscriptions then.
      await connection.nats.flush();
      process.send?.('ready', undefined, undefined, () => {});
    } catch (err) {
      // Usually NATS is unreachable. The parent starts this process again.
      logger.error({ err }, `the ${role} cannot start`);
      process.exit(1);
    }
  }
}
