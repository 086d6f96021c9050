import { hostname } from 'node:os';
import { readHead } from '#src/archive/segments/head.ts';
import type { LogLoss } from '#src/core/log/losses/log-loss.ts';
import { createLossBook } from '#src/core/log/losses/loss-book.ts';
import { type Acknowledgements, watchLosses } from '#src/core/log/losses/loss-watch.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import type { NatsPorts } from '#src/nats/ports.ts';
import type { LogEpoch } from '#src/nats/streams/log/log-epoch.ts';
import { createNatsLogSource } from '#src/nats/streams/log/log-source.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { createLossFile } from './files/loss-file.ts';

/** What this process knows about losses of the log, and about refusals of a full log. */
export interface LogWatch {
  /** The losses that no operator has acknowledged. */
  readonly losses: readonly LogLoss[];
  /** The last refusal of a full log; `undefined` when every later message was stored. */
  readonly refusal: { at: number; why: string } | undefined;
  /** Adds what another connection of this process was acknowledged. */
  add(epoch: LogEpoch): void;
}

type Watched = { ports: NatsPorts; connection: Connection; dataDir: string | undefined; roles: readonly string[]; logger: Logger };

/** Watches the log for the roles of this process until the signal aborts. Without a data folder, losses are not watched. */
export function watchLog({ ports, connection, dataDir, roles, logger }: Watched, signal: AbortSignal): LogWatch {
  const epochs: LogEpoch[] = [ports.logEpoch];
  const log = createNatsLogSource({ connection });
  const watch =
    dataDir === undefined
      ? undefined
      : watchLosses({
          log,
          book: createLossBook(ports.state),
          file: createLossFile(dataDir),
          clock: ports.clock,
          logger,
          by: `${roles.join(', ')} on ${hostname()}, process ${process.pid}`,
          acknowledged: epochs satisfies Acknowledgements[],
          archivedUpTo: async () => (await readHead(ports.state, (await log.state()).created))?.last ?? 0,
          signal,
        });
  return {
    get losses() {
      return watch?.losses ?? [];
    },
    get refusal() {
      return epochs.map(({ refusal }) => refusal).find((refusal) => refusal !== undefined);
    },
    add: (epoch) => void epochs.push(epoch),
  };
}
