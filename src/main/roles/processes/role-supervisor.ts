import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SigningKey } from '#src/archive/heads/open-signer.ts';
import type { JanitorOptions } from '#src/archive/janitor-options.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import { abortWithin } from '#src/core/time/abort-within.ts';
import type { NatsAddress } from '#src/main/config/nats-address.ts';
import { ownModule } from '#src/main/roles/own-module.ts';
import type { ClockBounds } from '#src/nats/transport/server-clock.ts';
import { createRestartPauses } from './restart-pauses.mjs';

/** The options that every process of one role gets: the address of NATS and the level of its log. */
export type RoleProcessOptions = { address: Omit<NatsAddress, 'from'>; logLevel: string; clockBounds?: ClockBounds };
/** `archive` is a folder or a bucket. */
export type ProjectionProcessOptions = RoleProcessOptions & {
  dataDir: string;
  archive: string;
  signingKey?: SigningKey | undefined;
  /** The own project, for the audit log. */
  project: string;
};
export type JanitorProcessOptions = RoleProcessOptions & { archive: string; signingKey?: SigningKey | undefined } & Pick<
    JanitorOptions,
    'retention' | 'historyRetentionInMs'
  >;

const GRACE_IN_MS = 5_000;

/** A role that folds has a small young generation (docs/performance.md V1). */
const YOUNG_GENERATION = '--max-semi-space-size=8';

/** The flag of this process that a role which folds needs too (docs/performance.md V2). */
function inheritedFlags(): string[] {
  return process.execArgv.filter((flag) => flag.startsWith('--no-allocation-site-pretenuring'));
}

/** After `stopping` is aborted, a role that ends is not started again. */
export type SupervisionOptions = { logger: Logger; stopping: AbortSignal };

/** A role that does not start in this time is reported, and delays the start of the others no longer. */
const READY_WITHIN_MS = 20_000;

/**
 * Runs a role as a child process. A role that ends by itself is started again after a growing pause. `ready` resolves when the role does its
 * work for the first time, and at the latest after its first end or {@link READY_WITHIN_MS}.
 */
export function superviseRole(
  role: 'projection' | 'janitor',
  options: RoleProcessOptions,
  { logger, stopping }: SupervisionOptions,
): { ready: Promise<void>; stop(): Promise<void>; reload(): Promise<void> } {
  const { file, execArgv } = ownModule(`processes/${role}-process`);
  const retiring = new AbortController();
  const signal = AbortSignal.any([stopping, retiring.signal]);
  let child = start();
  const ready = untilReady(child);
  const ended = watch();

  function start(): ChildProcess {
    const started = spawn(process.execPath, [...inheritedFlags(), YOUNG_GENERATION, ...execArgv, file], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    started.on('error', (error) => logger.error({}, `the ${role} cannot be started: ${error.message}`));
    started.send(options, () => {});
    return started;
  }

  async function untilReady(first: ChildProcess): Promise<void> {
    const waiting = abortWithin(READY_WITHIN_MS, signal);
    const events = ['message', 'exit', 'error'].map((event) => once(first, event, { signal: waiting }));
    await Promise.race(events).catch(() => {});
    for (const event of events) event.catch(() => {});
    if (waiting.aborted && !signal.aborted) logger.warn({}, `the ${role} does not work yet, ${READY_WITHIN_MS / 1_000} s after its start`);
  }

  async function watch(): Promise<void> {
    const pauses = createRestartPauses();
    for (;;) {
      const startedAt = performance.now();
      const [code, by] = (await once(child, 'exit').catch(() => [null, null])) as [number | null, NodeJS.Signals | null];
      // A signal to the whole process group may end the role before this process handles it.
      await sleep(pauses.afterRunOf(performance.now() - startedAt), undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      const isRequested = by === 'SIGTERM' || by === 'SIGINT';
      logger[isRequested ? 'info' : 'error']({ code, signal: by }, `the ${role} process ended and is started again`);
      child = start();
    }
  }

  return {
    ready,
    async reload() {
      if (child.connected) child.send('reload', () => {});
    },
    async stop() {
      retiring.abort();
      if (child.connected) child.send('stop', () => {});
      const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_IN_MS);
      if (child.exitCode === null && child.signalCode === null) await ended;
      clearTimeout(timer);
    },
  };
}
