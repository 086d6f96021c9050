import { LogFullError, UnknownOutcomeError } from '#src/core/errors.ts';
import type { Accepted, EventLog, StoredAppend } from '#src/core/log/event-log.ts';
import type { MemoryLog } from '#src/core/memory/memory-log.ts';
import type { Ledger } from '#test/simulate/judges/ledger.ts';
import type { Process } from './process.ts';

/** How long a try waits for an answer, and how long all tries of one message may take together. */
const TRY_IN_MS = 2_000;
const BUDGET_IN_MS = 60_000;
const LATEST_IN_MS = 90_000;
const LATEST_READ_IN_MS = 5_000;

/** Cuts the power, so that the log loses its messages from a sequence on. Resolves when it is back. */
export type Power = { cut?: (from: number) => Promise<void> };

type SimulatedLogOptions = { server: MemoryLog; ledger: Ledger; power: Power };

/** `store` is the effect of a message at the server, and `storedAt` the sequence that its answer names. */
type Message<Answer> = {
  id: string;
  store: () => Answer | Promise<Answer>;
  storedAt: (answer: Answer) => { sequence: number; isRepeated?: boolean } | undefined;
};
type Try<Answer> = { kind: 'answered'; answer: Answer } | { kind: 'no-answer' };

/**
 * The log as a process reaches it, with the protocol of the port on NATS (A1):
 *
 * 1. Every try of an append expects the same version. A try without an answer is repeated.
 * 2. A conflict after a try without an answer is resolved by reading the stream.
 * 3. After the budget the outcome is unknown. A late try may still arrive.
 */
export function createSimulatedLog(process: Process, { server, ledger, power }: SimulatedLogOptions): EventLog {
  const { faults, engine, clock, logEpoch } = process;

  /** One try of a message whose effect is `store`. */
  async function attempt<Answer>(label: string, { id, store, storedAt }: Message<Answer>): Promise<Try<Answer>> {
    if (faults.strike('lost-request', label)) return await noAnswer();
    if (faults.strike('late-request', label)) {
      engine.after(engine.chance.between(1, LATEST_IN_MS), `late ${label}`, () => void store());
      return await noAnswer();
    }
    const sent = logEpoch.sending(id);
    const answer = await process.call(label, store);
    const stored = storedAt(answer);
    if (faults.strike('lost-answer', label)) return await noAnswer();
    if (stored?.isRepeated) logEpoch.found(stored.sequence, sent);
    else if (stored !== undefined) logEpoch.observe({ kind: 'stored', sequence: stored.sequence }, sent);
    return { kind: 'answered', answer };
  }

  async function noAnswer(): Promise<{ kind: 'no-answer' }> {
    await clock.sleep(TRY_IN_MS);
    return { kind: 'no-answer' };
  }

  async function repeat<Answer>(label: string, message: Message<Answer>): Promise<{ answer: Answer; isUnsure: boolean }> {
    const startedAt = engine.now;
    for (let isUnsure = false; ; isUnsure = true) {
      const tried = await attempt(label, message);
      if (tried.kind === 'answered') return { answer: tried.answer, isUnsure };
      const waitedInMs = engine.now - startedAt;
      if (waitedInMs > BUDGET_IN_MS) throw new UnknownOutcomeError({ id: message.id, waitedInMs });
    }
  }

  async function read<Found>(label: string, find: () => Promise<Found>): Promise<Found> {
    const found = await process.call(label, () => {
      if (faults.strike('failed-read', `${process.name} ${label}`)) throw new LogFullError({ why: 'it cannot be read now' });
      return find();
    });
    if (faults.strike('late-read', `${process.name} ${label}`)) await clock.sleep(engine.chance.between(100, LATEST_READ_IN_MS));
    return found;
  }

  /** The server loses the append that caused a conflict before it can refuse the other one, whose sender sends it again. */
  async function appendAfterCut(...[name, append, wakeTimes]: Parameters<EventLog['append']>): Promise<StoredAppend | undefined> {
    const newer = (await server.read(name, append.previous)).at(-1)?.version;
    if (newer !== server.last || !faults.strike('cut-at-conflict', `${process.name} ${name.stream}`)) return undefined;
    await power.cut?.(newer);
    return await server.append(name, append, wakeTimes);
  }

  const log: EventLog = {
    maxAppendBytes: server.maxAppendBytes,
    epoch: () => logEpoch.value,
    async append(name, append, wakeTimes) {
      const label = `append ${name.stream} after ${append.previous}: ${append.facts.map(describe).join(', ')}`;
      const store = async (): Promise<StoredAppend | undefined> => {
        const stored = (await server.append(name, append, wakeTimes)) ?? (await appendAfterCut(name, append, wakeTimes));
        if (stored !== undefined) ledger.appended(name, append, stored, await server.readRequest(append.request));
        return stored;
      };
      const storedAt = (stored: StoredAppend | undefined) => stored && { sequence: stored.version };
      const { answer, isUnsure } = await repeat(label, { id: append.id, store, storedAt });
      if (answer !== undefined || !isUnsure) return answer;
      const sent = logEpoch.sending(append.id);
      const own = (await log.read(name, append.previous)).find(({ id }) => id === append.id);
      if (own !== undefined) logEpoch.found(own.version, sent);
      return own;
    },
    async accept(name, requests) {
      const label = `accept ${name.function}.${name.stream}`;
      const { answer } = await repeat<Accepted>(label, {
        id: name.stream,
        async store() {
          const accepted = await server.accept(name, requests);
          const message = await server.readRequest(accepted.sequence);
          if (message !== undefined) ledger.requested(message);
          return accepted;
        },
        storedAt: (accepted) => accepted,
      });
      return answer;
    },
    read: (name, after) => read(`read ${name.stream} after ${after}`, () => server.read(name, after)),
    readRequest: (sequence) => read(`read request ${sequence}`, () => server.readRequest(sequence)),
    findAll: (stream) => read(`find ${stream}`, () => server.findAll(stream)),
    firstFrom: (sequence) => read(`first from ${sequence}`, () => server.firstFrom(sequence)),
    timeOf: (sequence) => read(`time of ${sequence}`, () => server.timeOf(sequence)),
    lastSequence: () => read('last sequence', () => server.lastSequence()),
    follow: (from, onEntry, signal) => server.follow(from, process.inOrder(onEntry), AbortSignal.any([signal, process.death])),
    followFully: (from, onEntry, signal) => server.followFully(from, process.inOrder(onEntry), AbortSignal.any([signal, process.death])),
  };

  return log;
}

function describe(fact: { type: string; invocation: string; attempt?: number; try?: number }): string {
  return `${fact.type}${fact.attempt ?? fact.try ?? ''} of ${fact.invocation}`;
}
