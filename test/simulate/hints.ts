import type { MemoryLog } from '#src/core/memory/memory-log.ts';
import type { Hints } from '#src/core/stream/hints.ts';
import type { WorkSource } from '#src/core/stream/work-queue.ts';
import type { Engine } from './engine.ts';
import type { Process } from './process.ts';
import type { NewItem, QueueServer } from './queue.ts';

/** The window of deduplication of a server. */
const DEDUPLICATED_WITHIN_MS = 120_000;
const SLOWEST_IN_MS = 20_000;

/** Makes the hints of each process: lost, repeated, late and out of order. */
export function createHintsOf(engine: Engine, log: MemoryLog, queue: QueueServer): (process: Process) => Hints {
  const storedAt = new Map<string, number>();

  function store(id: string, put: () => void): void {
    const before = storedAt.get(id);
    if (before !== undefined && engine.now - before < DEDUPLICATED_WITHIN_MS) return;
    storedAt.set(id, engine.now);
    put();
  }

  /** Adds the item of the hint that was stored last. */
  function addNewest(source: WorkSource, item: Omit<NewItem, 'sequence'>): void {
    void log.lastSequence().then((sequence) => queue.add(source, { ...item, sequence }));
  }

  return (process) => {
    function publish(id: string, put: () => void): void {
      const { faults } = process;
      if (!process.isAlive || faults.strike('lost-hint', id)) return;
      const isSlow = faults.strike('slow-hint', id);
      const stored = (): void => store(id, put);
      if (isSlow) engine.after(engine.chance.between(1, SLOWEST_IN_MS), `slow ${id}`, stored);
      else process.send(id, stored);
      // Beyond the window of deduplication, as a second stream of hints would bring it.
      if (faults.strike('repeated-hint', id)) engine.after(engine.chance.between(1, SLOWEST_IN_MS), `repeated ${id}`, put);
    }
    return {
      wake: (name, request, id) =>
        publish(`wake.${id}`, () => {
          log.hints.wake(name, request, id);
          addNewest({ kind: 'function', name: name.function }, { name, request });
        }),
      deliver: (name, request, id, state) =>
        publish(`deliver.${id}`, () => {
          log.hints.deliver(name, request, id);
          addNewest({ kind: 'deliveries' }, { name, request, state });
        }),
    };
  };
}
