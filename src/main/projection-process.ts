import { pino } from 'pino';
import { natsOptionsOf } from '#src/nats/address.ts';
import { openConnection } from '#src/nats/connection.ts';
import { startProjectionRole } from './projection-role.ts';
import type { ProjectionOrder } from './projection-supervisor.ts';
import { tuneHeap } from './tune-heap.ts';

/*
 * The projection in a process of its own: its writing would hold up the worker's. It gets its order from the process that started it,
 * never by an argument that others could read, and ends with it.
 */

tuneHeap();
// Ctrl-C reaches the whole group; the process that started this one says when to stop.
process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit(0));
// Until it runs there is nothing to finish.
let stop = async (): Promise<void> => process.exit(0);
process.on('message', (order) => void (order === 'stop' ? stop() : run(order as ProjectionOrder)));
process.on('SIGTERM', () => void stop());

async function run({ address, dataDir, logLevel }: ProjectionOrder): Promise<void> {
  const logger = pino({ level: logLevel, base: { pid: process.pid, role: 'projection' } }, pino.destination({ fd: 2, sync: true }));
  const connection = await openConnection({ ...natsOptionsOf(address), name: 'sequent-projection' });
  const role = await startProjectionRole({ connection, dataDir, logger });
  stop = async () => {
    await role.stop();
    await connection.close();
    process.exit(0);
  };
}
