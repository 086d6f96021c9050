import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JanitorOptions } from '#src/archive/janitor-options.ts';
import type { Logger } from '#src/core/logger.ts';
import type { NatsAddress } from './nats-address.ts';

/** What a process of one role is told: where NATS is, and how much it says. */
export type RoleOrder = { address: Omit<NatsAddress, 'from'>; logLevel: string };
/** `archive` is the folder of the archive, or its bucket. */
export type ProjectionOrder = RoleOrder & { dataDir: string; archive: string };
export type JanitorOrder = RoleOrder & { archive: string } & Pick<JanitorOptions, 'retention' | 'historyRetentionInMs'>;

const PAUSE_IN_MS = 1_000;
const GRACE_IN_MS = 5_000;

/** Runs a role as a process of its own, and starts it again when it ends by itself. */
export function superviseRole(role: 'projection' | 'janitor', order: RoleOrder, logger: Logger): { stop(): Promise<void> } {
  const entry = new URL(`./${role}-process.ts`, import.meta.url).pathname;
  const stopping = new AbortController();
  let child = start();
  const ended = watch();

  function start(): ChildProcess {
    const tsx = import.meta.resolve('tsx');
    const started = spawn(process.execPath, ['--import', tsx, entry], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    started.on('error', (error) => logger.error({}, `the ${role} cannot be started: ${error.message}`));
    started.send(order, () => {});
    return started;
  }

  async function watch(): Promise<void> {
    for (;;) {
      const [code, signal] = (await once(child, 'exit').catch(() => [null, null])) as [number | null, string | null];
      if (stopping.signal.aborted) return;
      logger.error({ code, signal }, `the ${role} ended; it is started again`);
      await sleep(PAUSE_IN_MS, undefined, { signal: stopping.signal }).catch(() => {});
      if (stopping.signal.aborted) return;
      child = start();
    }
  }

  return {
    async stop() {
      stopping.abort();
      if (child.connected) child.send('stop', () => {});
      const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_IN_MS);
      if (child.exitCode === null && child.signalCode === null) await ended;
      clearTimeout(timer);
    },
  };
}
