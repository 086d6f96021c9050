import { type Logger, pino, stdSerializers } from 'pino';

/** The log of a process: JSON lines on stderr. Writes are synchronous, so that the last line is written before the process ends. */
export function createLog({ level, ...base }: { level: string; role?: string }): Logger {
  return pino(
    { level, base: { pid: process.pid, ...base }, serializers: { err: stdSerializers.errWithCause } },
    pino.destination({ fd: 2, sync: true }),
  );
}
