import { type Logger, pino, stdSerializers } from 'pino';

/** The log of a process: JSON lines on stderr. Synchronous, so that a line that says why a process ends is written before it does. */
export function createLog({ level, ...base }: { level: string; role?: string }): Logger {
  return pino(
    { level, base: { pid: process.pid, ...base }, serializers: { err: stdSerializers.errWithCause } },
    pino.destination({ fd: 2, sync: true }),
  );
}
