import type { MemoryLog } from '#src/core/memory/memory-log.ts';
import type { Hints } from '#src/core/stream/hints.ts';
import type { WorkSource } from '#src/core/stream/work-queue.ts';
import type { Ledger } from '#test/simulate/judges/ledger.ts';
import type { Engine } from './engine.ts';
import type { Process } from './process.ts';
import type { QueueServer } from './queue.ts';
import type { NewItem } from './source-queue.ts';

/** The window of deduplication of a server. */
const DEDUPLICATED_WITHIN_MS = 120_000;
const SLOWEST_IN_MS = 20_000;

export type HintServer = {
  /** The hints as a process publishes them: lost, repeated, late and out of order. */
  connect: (process: Process) => Hints;
  /** The log lost its messages from a sequence on, with the hints among them. */
  lose: (from: number) => void;
};

export function createHintServer(engine: Engine, log: MemoryLog, { queue, ledger }: { queue: QueueServer; ledger: Ledger }): HintServer {
  const stored = new Map<string, { at: number; sequence: number }>();

  function store(id: string, put: () => void): void {
    const before = stored.get(id);
    if (before !== undefined && engine.now - before.at < DEDUPLICATED_WITHIN_MS) return;
    put();
    stored.set(id, { at: engine.now, sequence: log.last });
  }

  /** Adds the item of the hint that was stored last. */
  function addNewest(source: WorkSource, item: Omit<NewItem, 'sequence'>): void {
    queue.add(source, { ...item, sequence: log.last });
  }

  function connect(process: Process): Hints {
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
          ledger.wakes.woken(name);
          log.hints.wake(name, request, id);
          addNewest({ kind: 'function', name: name.function }, { name, request });
        }),
      deliver: (name, request, id, state) =>
        publish(`deliver.${id}`, () => {
          log.hints.deliver(name, request, id);
          addNewest({ kind: 'deliveries' }, { name, request, state });
        }),
    };
  }

  return {
    connect,
    lose(from) {
      for (const [id, { sequence }] of stored) if (sequence >= from) stored.delete(id);
    },
  };
}
