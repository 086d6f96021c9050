import { decodeLedgerEntry, NO_SLOTS } from '#src/core/flow/ledger-entry.ts';
import type { EventLog, FullLogEntry } from '#src/core/log/event-log.ts';
import type { LogSource } from '#src/core/log/log-source.ts';
import type { Results } from '#src/core/log/results.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import type { MemoryLog } from '#src/core/memory/memory-log.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import type { Hints } from '#src/core/stream/hints.ts';
import type { WorkConsumers } from '#src/core/stream/work-consumers.ts';
import type { Ledger } from '#test/simulate/judges/ledger.ts';
import type { Flows } from '#test/simulate/judges/slots.ts';
import type { Witness } from '#test/simulate/judges/witness.ts';
import { type Crowd, mostHoldersOf } from '../load/crowds.ts';
import { createSimulatedFunctions, delayed, type SimulatedFunctions } from '../load/functions.ts';
import { type Answers, createAnswersOf } from './answers.ts';
import { type ConsumerStep, createConsumersOf } from './consumers.ts';
import type { Engine } from './engine.ts';
import { createHintServer } from './hints.ts';
import { createSimulatedLog, type Power } from './log.ts';
import { createLogSourceOf } from './log-source.ts';
import type { Process } from './process.ts';
import { createQueueServer, type QueueServer } from './queue.ts';

/** What stands outside of the processes of a world, and how each process reaches it. */
export type Servers = {
  ledger: Ledger;
  /** Writes down what an outsider sees, where the world is judged from outside. */
  witness: Witness | undefined;
  /** The messages of the log, in order. */
  readonly entries: readonly FullLogEntry[];
  /** The sequence of the newest message of the log. */
  last: () => number;
  /** Accepts requests at once, without a client. */
  accept: EventLog['accept'];
  functions: SimulatedFunctions;
  queue: QueueServer;
  consumersOf: (process: Process) => WorkConsumers;
  /** Called when the server performs a step of opening or removing the consumer of a function. */
  onConsumerStep: ((name: FunctionName, step: ConsumerStep) => void) | undefined;
  logOf: (process: Process) => EventLog;
  hintsOf: (process: Process) => Hints;
  resultsOf: (process: Process) => Results;
  answersOf: (process: Process) => Answers;
  /** The store of the scheduler's floor and of the losses of the log. */
  stateOf: (process: Process) => KeyValue;
  state: KeyValue;
  /** The ledger of slots as a process reaches it. */
  flowOf: (process: Process) => KeyValue;
  flow: KeyValue;
  sourceOf: (process: Process) => LogSource;
  /** The log loses its messages from a sequence on, as in a power cut. */
  lose: (from: number) => void;
  power: Power;
  close: () => void;
};

/** `max_payload` of a server. */
const MAX_MESSAGE_BYTES = 1_048_576;

type ServerOptions = {
  engine: Engine;
  ledger: Ledger;
  witness: Witness | undefined;
  server: MemoryLog;
  flows: Flows;
  crowd: Crowd | undefined;
  turning: readonly string[] | undefined;
};

/** Opens the servers of a world. The queue receives each request as soon as the log has stored it. */
export async function openServers({ engine, ledger, witness, server, flows, crowd, turning }: ServerOptions): Promise<Servers> {
  const functions = await createSimulatedFunctions(engine, flows, { crowd, turning });
  const queue = createQueueServer(engine, ledger);
  const state = createMemoryKeyValue();
  const flow = createMemoryKeyValue();
  const power: Power = {};
  const hints = createHintServer(engine, server, { queue, ledger });
  /** The sequence up to which the queue has the requests. */
  let taken = 0;
  let following = new AbortController();

  function follow(from: number): void {
    following.abort();
    following = new AbortController();
    void server.followFully(from, take, following.signal);
  }

  function take(entry: FullLogEntry): void {
    taken = entry.sequence;
    if (entry.kind !== 'request') return;
    ledger.requested(entry.message);
    queue.add(
      { kind: 'function', name: entry.message.name.function },
      { name: entry.message.name, request: entry.sequence, sequence: entry.sequence, message: entry.message, state: undefined },
    );
  }

  follow(1);
  const servers: Servers = {
    ledger,
    witness,
    get entries() {
      return server.entries;
    },
    accept: server.accept,
    functions,
    queue,
    onConsumerStep: undefined,
    consumersOf: createConsumersOf({ queue, server, state, onStep: (name, step) => servers.onConsumerStep?.(name, step) }),
    logOf: (process) => createSimulatedLog(process, { server, ledger, power }),
    hintsOf: hints.connect,
    last: () => server.last,
    power,
    state,
    flow,
    flowOf: (process) => faulty(bounded(flow, ledger, crowd), process),
    sourceOf: createLogSourceOf(server),
    lose(from) {
      server.loseFrom(from, { isNoticed: false });
      taken = Math.min(taken, from - 1);
      follow(taken + 1);
      queue.lose(from);
      hints.lose(from);
      ledger.lost(from, server.entries);
    },
    close: () => following.abort(),
    resultsOf: (process) => ({
      maxBytes: server.maxAppendBytes,
      publish: (name, id, outcome, envelope) =>
        process.call(`publish ${outcome} of ${id}`, () => {
          if (process.faults.strike('failed-result', `${process.name} ${id}`)) throw new Error('the result cannot be stored');
          witness?.published(name.function, id, outcome, envelope);
          ledger.published(process, name, id, outcome);
        }),
      isStored: (name, id, { type }) => process.call(`look up the result of ${id}`, () => ledger.isPublished(name, id, type)),
    }),
    answersOf: createAnswersOf(),
    stateOf: (process) => ({
      ...state,
      get: (key) => slowly(process, `get ${key}`, () => state.get(key)),
      put: (...given) => slowly(process, `put ${given[0]}`, () => state.put(...given)),
    }),
  };
  return servers;
}

/** The store refuses an entry that is larger than a message. In a crowd, few attempts hold a slot that have no place of a worker (SLOT6). */
function bounded(store: KeyValue, ledger: Ledger, crowd: Crowd | undefined): KeyValue {
  const most = crowd?.name === 'small' ? mostHoldersOf(crowd) : Number.POSITIVE_INFINITY;
  return {
    ...store,
    put(key, value, expected) {
      if (value.length > MAX_MESSAGE_BYTES) throw new Error(`the entry ${key} has ${value.length} bytes`);
      const { holders } = most === Number.POSITIVE_INFINITY ? NO_SLOTS : decodeLedgerEntry(value);
      if (holders.length > most) ledger.problem(`SLOT6: ${holders.length} attempts hold slots in ${key}, and ${most} may have places`);
      return store.put(key, value, expected);
    },
  };
}

/** A call whose request or answer takes long. */
async function slowly<Answer>(process: Process, label: string, action: () => Promise<Answer>): Promise<Answer> {
  const wait = async (): Promise<void> => {
    if (process.faults.strike('slow-bucket', `${process.name} ${label}`))
      await process.clock.sleep(process.engine.chance.between(100, 5_000));
  };
  await wait();
  const answer = await process.call(label, action);
  await wait();
  return answer;
}

/** The requests and the answers of a process may be lost. A call that gets no answer fails. */
function faulty(store: KeyValue, process: Process): KeyValue {
  return {
    ...delayed(store, process),
    put: (key, ...given) =>
      process.call(`put ${key} ${given[0]}`, async () => {
        if (process.faults.strike('lost-request', `${process.name} put ${key}`)) throw new Error(`${key} was not stored`);
        const revision = await store.put(key, ...given);
        if (process.faults.strike('lost-answer', `${process.name} put ${key}`)) throw new Error(`the store did not answer about ${key}`);
        return revision;
      }),
  };
}
