import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { VERSION } from '#src/client/version.ts';
import type { CircuitState } from '#src/core/ports/questions/circuit-states.ts';
import type { ProcessorUse, RoleInstance } from '#src/core/ports/questions/role-instances.ts';
import type { ThreadUse } from '#src/core/quotas/thread-time.ts';
import type { ServerClock } from '#src/nats/transport/server-clock.ts';

/** An answer to every question for the instances holds the circuits and the projects, so their number is bounded. A circuit takes about 400 bytes. */
const MAX_ITEMS = 200;
const MAX_REASON = 200;

export type OwnInstanceOptions = {
  durability?: string | undefined;
  /** How this process isolates the code of other projects; absent without a worker. */
  isolation?: string | undefined;
  /** The slots of the worker that are held, and all of them; absent without a worker. */
  load?: (() => { held: number; slots: number } | undefined) | undefined;
  /** What the functions of other projects used of the processors; absent without a worker. */
  processorUse?: (() => readonly ProcessorUse[] | undefined) | undefined;
  /** What the bytes of the projects cost the main thread, the most first. */
  threadUse?: (() => readonly ThreadUse[]) | undefined;
  /** The circuits of this process that are not closed now; absent without a destinations role. */
  circuits?: (() => readonly CircuitState[]) | undefined;
  /** The last refusal of a full log, if no later message was stored. */
  refusal?: (() => { at: number; why: string } | undefined) | undefined;
  /** The files that cannot be used, or soon cannot, in sentences. */
  fileProblems?: (() => readonly string[] | undefined) | undefined;
  /** The projects that this process needs a key for and has none. */
  missingKeys?: (() => readonly string[]) | undefined;
  /** The time of the last read of the metrics of all projects from its gateway. */
  metricsReadAt?: (() => number | undefined) | undefined;
};

/** Describes this process as an instance with the given roles. The fields of its clock and its circuits are read at every access. */
export function ownInstance(
  roles: readonly string[],
  clock: ServerClock,
  { load, processorUse, threadUse, circuits, refusal, fileProblems, missingKeys, metricsReadAt, ...facts }: OwnInstanceOptions = {},
): RoleInstance {
  return {
    instance: `i-${randomBytes(5).toString('hex')}`,
    roles,
    version: VERSION,
    host: hostname(),
    pid: process.pid,
    startedAt: clock.now() - Math.round(performance.now()),
    ...facts,
    get heldSlots() {
      return load?.()?.held;
    },
    get slots() {
      return load?.()?.slots;
    },
    get processorUse() {
      // The projects that used the most.
      return processorUse?.()
        ?.toSorted((one, other) => other.usedInMs - one.usedInMs)
        .slice(0, MAX_ITEMS);
    },
    get threadUse() {
      return threadUse?.().slice(0, MAX_ITEMS);
    },
    get clockAheadInMs() {
      return clock.offset === undefined ? undefined : Math.round(clock.offset.aheadInMs);
    },
    get clockUncertaintyInMs() {
      return clock.offset === undefined ? undefined : Math.ceil(clock.offset.uncertaintyInMs);
    },
    get takesWork() {
      return clock.isWithinLimit;
    },
    get logRefusedAt() {
      return refusal?.()?.at;
    },
    get logRefusal() {
      return refusal?.()?.why;
    },
    get fileProblems() {
      return fileProblems?.();
    },
    get missingKeys() {
      return missingKeys?.().slice(0, MAX_ITEMS);
    },
    get metricsReadAt() {
      return metricsReadAt?.();
    },
    get circuits() {
      return circuits?.()
        .slice(0, MAX_ITEMS)
        .map((circuit) => ({ ...circuit, reason: circuit.reason.slice(0, MAX_REASON) }));
    },
    get omittedCircuits() {
      const unclosed = circuits?.().length;
      return unclosed === undefined ? undefined : Math.max(0, unclosed - MAX_ITEMS);
    },
  };
}
