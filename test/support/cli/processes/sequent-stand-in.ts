import { startServer } from '#src/main/nats-server/start.ts';

// A process that handles the embedded server as `sequent serve` does: starts it, prints its address, ends it on SIGTERM.
const [bin = '', dataDir = ''] = process.argv.slice(2);
const server = await startServer({ bin, dataDir, fsync: '100ms' });
process.once('SIGTERM', () => void server.stop());
process.stdout.write(`${JSON.stringify({ url: server.url, pid: server.pid })}\n`);
