import type { MemoryLog } from '#src/core/memory/memory-log.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { readProvedFloor, saveFloor } from '#src/core/ports/stores/saved-floor.ts';
import type { WorkConsumers } from '#src/core/stream/work-consumers.ts';
import type { FaultKind } from '#test/simulate/plan.ts';
import { neverAnswered, type Process } from './process.ts';
import type { QueueServer } from './queue.ts';

const COVERED_WITHIN_MS = 1_000;

/** A step that a process can die after. */
export type ConsumerStep = 'find consumer' | 'newest item' | 'read floor' | 'save floor' | 'create consumer' | 'delete consumer';
type ConsumerServers = {
  queue: QueueServer;
  server: MemoryLog;
  state: KeyValue;
  onStep: (name: FunctionName, step: ConsumerStep) => void;
};
type Scheduler = { process: Process; hasRead: () => Promise<unknown> };
type Listener = { process: Process; listener: (name: FunctionName) => void };

/**
 * The consumers of functions as a process reaches them. Each step is a call of its own, so that the process can die before and after it; a step
 * fails, and a hint is lost, at the rates of the plan.
 */
export function createConsumersOf({ queue, server, state, onStep }: ConsumerServers): (process: Process) => WorkConsumers {
  const listeners = new Set<Listener>();
  const schedulers = new Set<Scheduler>();

  return (process) => {
    function step<Answer>(label: string, action: () => Answer | Promise<Answer>): Promise<Answer> {
      return process.call(label, () => {
        const strikes = (kind: FaultKind): boolean => process.faults.strike(kind, `${process.name} ${label}`);
        if (strikes('failed-read') || strikes('failed-consumer')) throw new Error('the server did not answer');
        return action();
      });
    }
    /** A step for one function. */
    function stepOf<Answer>(name: FunctionName, label: ConsumerStep, action: () => Answer | Promise<Answer>): Promise<Answer> {
      return step(`${label} of ${name}`, async () => {
        const answer = await action();
        onStep(name, label);
        if (process.faults.strike('crash-at-consumer', `${process.name} ${label} of ${name}`)) process.die();
        return answer;
      });
    }
    const key = (name: FunctionName): string => `floor.fn-${name}`;
    const addTo = <One>(all: Set<One>, one: One, signal: AbortSignal): void => {
      all.add(one);
      const end = (): void => void all.delete(one);
      signal.addEventListener('abort', end, { once: true });
      process.death.addEventListener('abort', end, { once: true });
    };
    return {
      list: () => step('list consumers', queue.consumers),
      find: (name) =>
        stepOf(name, 'find consumer', async () => {
          const { exists, floor } = queue.consumerOf(name);
          const at = await server.timeOf(server.last);
          return exists
            ? { floor: Math.min(floor, server.last), newest: at === undefined ? undefined : { sequence: server.last, at } }
            : undefined;
        }),
      newestItem: (name) => stepOf(name, 'newest item', () => queue.consumerOf(name).newestItem),
      readFloor: (name) => stepOf(name, 'read floor', async () => (await readProvedFloor(state, key(name), server.timeOf))?.floor ?? 0),
      saveFloor: (name, found) => stepOf(name, 'save floor', () => saveFloor(state, key(name), found)),
      create: (name, floor) => stepOf(name, 'create consumer', () => queue.consumerOf(name).create(floor)),
      delete: (name) => stepOf(name, 'delete consumer', () => queue.consumerOf(name).delete()),
      hint(name) {
        for (const { process: other, listener } of listeners) {
          if (!other.faults.strike('lost-hint', `work of ${name} to ${other.name}`))
            other.schedule(1, `hears of work of ${name}`, () => listener(name));
        }
      },
      onHint: (listener, signal) => addTo(listeners, { process, listener }, signal),
      isCovered: () =>
        Promise.race([
          process.call('is the log covered', async () => {
            if (schedulers.size === 0) return false;
            const asked = [...schedulers].find((one) => !one.process.isStill);
            return (await asked?.hasRead().then(() => true, neverAnswered)) ?? (await neverAnswered());
          }),
          process.clock.sleep(COVERED_WITHIN_MS).then(() => false),
        ]),
      answerCovered: (hasRead, signal) => addTo(schedulers, { process, hasRead }, signal),
    };
  };
}
