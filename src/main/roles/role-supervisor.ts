import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JanitorOptions } from '#src/archive/janitor-options.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import type { NatsAddress } from '#src/main/config/nats-address.ts';

/** What a process of one role is told: where NATS is, and how much it says. */
export type RoleProcessOptions = { address: Omit<NatsAddress, 'from'>; logLevel: string };
/** `archive` is the folder of the archive, or its bucket. */
export type ProjectionProcessOptions = RoleProcessOptions & { dataDir: string; archive: string };
export type JanitorProcessOptions = RoleProcessOptions & { archive: string } & Pick<JanitorOptions, 'retention' | 'historyRetentionInMs'>;

const FIRST_PAUSE_IN_MS = 1_000;
const LONGEST_PAUSE_IN_MS = 30_000;
/** A process that ran for so long had no lasting trouble: the pauses begin anew. */
const STABLE_AFTER_MS = 60_000;
const GRACE_IN_MS = 5_000;

/** `stopping` says that this process stops: what ends from then on is not started again. */
export type SupervisionOptions = { logger: Logger; stopping: AbortSignal };

/** Runs a role as a process of its own, and starts it again, after growing pauses, when it ends by itself. */
export function superviseRole(
  role: 'projection' | 'janitor',
  order: RoleProcessOptions,
  { logger, stopping }: SupervisionOptions,
): { stop(): Promise<void> } {
  const entry = new URL(`./${role}-process.ts`, import.meta.url).pathname;
  const retiring = new AbortController();
  const signal = AbortSignal.any([stopping, retiring.signal]);
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
    for (let pauseInMs = FIRST_PAUSE_IN_MS; ; pauseInMs = Math.min(pauseInMs * 2, LONGEST_PAUSE_IN_MS)) {
      const startedAt = performance.now();
      const [code, by] = (await once(child, 'exit').catch(() => [null, null])) as [number | null, NodeJS.Signals | null];
      if (performance.now() - startedAt > STABLE_AFTER_MS) pauseInMs = FIRST_PAUSE_IN_MS;
      // A signal to the whole group may end the role before this process hears of it.
      await sleep(pauseInMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      const isAsked = by === 'SIGTERM' || by === 'SIGINT';
      logger[isAsked ? 'info' : 'error']({ code, signal: by }, `the ${role} ended; it is started again`);
      child = start();
    }
  }

  return {
    async stop() {
      retiring.abort();
      if (child.connected) child.send('stop', () => {});
      const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_IN_MS);
      if (child.exitCode === null && child.signalCode === null) await ended;
      clearTimeout(timer);
    },
  };
}
