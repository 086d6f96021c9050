import type { EventLog, FullLogEntry } from '#src/core/log/event-log.ts';
import type { Results } from '#src/core/log/results.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import type { MemoryLog } from '#src/core/memory/memory-log.ts';
import type { KeyValue } from '#src/core/ports/key-value.ts';
import type { Hints } from '#src/core/stream/hints.ts';
import { type Answers, createAnswersOf } from './answers.ts';
import type { Engine } from './engine.ts';
import { createSimulatedFunctions, type SimulatedFunctions } from './functions.ts';
import { createHintsOf } from './hints.ts';
import type { Ledger } from './ledger.ts';
import { createSimulatedLog } from './log.ts';
import type { Process } from './process.ts';
import { createQueueServer, type QueueServer } from './queue.ts';

/** What stands outside of the processes of a world, and how each process reaches it. */
export type Servers = {
  ledger: Ledger;
  /** The messages of the log, in order. */
  entries: FullLogEntry[];
  functions: SimulatedFunctions;
  queue: QueueServer;
  logOf: (process: Process) => EventLog;
  hintsOf: (process: Process) => Hints;
  resultsOf: (process: Process) => Results;
  answersOf: (process: Process) => Answers;
  floorOf: (process: Process) => KeyValue;
};

/** Opens the servers of a world. The queue receives each request as soon as the log has stored it. */
export async function openServers({ engine, ledger, server }: { engine: Engine; ledger: Ledger; server: MemoryLog }): Promise<Servers> {
  const functions = await createSimulatedFunctions(engine);
  const queue = createQueueServer(engine, ledger);
  const floor = createMemoryKeyValue();
  const entries: FullLogEntry[] = [];
  void server.followFully(
    1,
    (entry) => {
      entries.push(entry);
      if (entry.kind !== 'request') return;
      ledger.requested(entry.message);
      queue.add(
        { kind: 'function', name: entry.message.name.function },
        { name: entry.message.name, request: entry.sequence, sequence: entry.sequence, message: entry.message, state: undefined },
      );
    },
    new AbortController().signal,
  );
  return {
    ledger,
    entries,
    functions,
    queue,
    logOf: (process) => createSimulatedLog(process, { server, ledger }),
    hintsOf: createHintsOf(engine, server, queue),
    resultsOf: (process) => ({
      maxBytes: server.maxAppendBytes,
      publish: (name, id, outcome) =>
        process.call(`publish ${outcome} of ${id}`, () => {
          if (process.faults.strike('failed-result', `${process.name} ${id}`)) throw new Error('the result cannot be stored');
          ledger.published(process, name, id, outcome);
        }),
      isStored: (name, id) => process.call(`look up the result of ${id}`, () => ledger.isPublished(name, id)),
    }),
    answersOf: createAnswersOf(),
    floorOf: (process) => ({
      ...floor,
      get: (key) => process.call(`get ${key}`, () => floor.get(key)),
      put: (...given) => process.call(`put ${given[0]}`, () => floor.put(...given)),
    }),
  };
}
