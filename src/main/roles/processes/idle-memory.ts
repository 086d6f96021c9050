import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { systemTimers, type Timers } from '#src/core/ports/clock.ts';

/*
 * Gives memory back after a load (docs/performance.md V1). V8 collects when something is allocated, so an idle process keeps the garbage of its last
 * load, and the young generation that the load needed.
 */

const SAMPLE_EVERY_MS = 5_000;
/** Shares of one core: a process with more was busy, and one with less is idle. */
const BUSY_SHARE = 0.2;
const IDLE_SHARE = 0.1;
/** A collection takes up to a tenth of a second, so a short pause of a load causes none. */
const IDLE_SAMPLES = 3;

export type IdleMemoryOptions = {
  timers?: Timers;
  /** The processor time of this process so far, in milliseconds. */
  readCpu?: () => number;
  collect?: () => void;
  /** Gives back what else the process keeps for speed. Called before the collection. */
  release?: (() => void) | undefined;
};

/** Collects once, whenever this process has been idle for a quarter of a minute after it was busy. The returned function ends that. */
export function collectWhenIdle({
  timers = systemTimers,
  readCpu = ownCpu,
  collect = collectAll,
  release,
}: IdleMemoryOptions = {}): () => void {
  let cpu = readCpu();
  let wasBusy = false;
  let idleSamples = 0;
  return timers.every(SAMPLE_EVERY_MS, () => {
    const now = readCpu();
    const share = (now - cpu) / SAMPLE_EVERY_MS;
    cpu = now;
    if (share > BUSY_SHARE) wasBusy = true;
    idleSamples = share < IDLE_SHARE ? idleSamples + 1 : 0;
    if (!wasBusy || idleSamples < IDLE_SAMPLES) return;
    wasBusy = false;
    release?.();
    collect();
  });
}

function ownCpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

type Collect = (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;

/** `last-resort` also returns the pages to the system; Node 20 does not know it. */
function collectAll(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as Collect)({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
