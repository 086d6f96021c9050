import { LogFullError, UnknownOutcomeError } from '#src/core/errors.ts';
import type { Accepted, EventLog, StoredAppend } from '#src/core/log/event-log.ts';
import type { MemoryLog } from '#src/core/memory/memory-log.ts';
import type { Ledger } from './ledger.ts';
import type { Process } from './process.ts';

/** How long a try waits for an answer, and how long all tries of one message may take together. */
const TRY_IN_MS = 2_000;
const BUDGET_IN_MS = 60_000;
const LATEST_IN_MS = 90_000;

export type SimulatedLogOptions = { server: MemoryLog; ledger: Ledger };

type Try<Answer> = { kind: 'answered'; answer: Answer } | { kind: 'no-answer' };

/**
 * The log as a process reaches it, with the protocol of the port on NATS (A1):
 *
 * 1. Every try of an append expects the same version. A try without an answer is repeated.
 * 2. A conflict after a try without an answer is resolved by reading the stream.
 * 3. After the budget the outcome is unknown. A late try may still arrive.
 */
export function createSimulatedLog(process: Process, { server, ledger }: SimulatedLogOptions): EventLog {
  const { faults, engine, clock } = process;

  /** One try of a message whose effect is `store`. */
  async function attempt<Answer>(label: string, store: () => Answer | Promise<Answer>): Promise<Try<Answer>> {
    if (faults.strike('lost-request', label)) return await noAnswer();
    if (faults.strike('late-request', label)) {
      engine.after(engine.chance.between(1, LATEST_IN_MS), `late ${label}`, () => void store());
      return await noAnswer();
    }
    const answer = await process.call(label, store);
    return faults.strike('lost-answer', label) ? await noAnswer() : { kind: 'answered', answer };
  }

  async function noAnswer(): Promise<{ kind: 'no-answer' }> {
    await clock.sleep(TRY_IN_MS);
    return { kind: 'no-answer' };
  }

  async function repeat<Answer>(
    id: string,
    label: string,
    store: () => Answer | Promise<Answer>,
  ): Promise<{ answer: Answer; isUnsure: boolean }> {
    const startedAt = engine.now;
    for (let isUnsure = false; ; isUnsure = true) {
      const tried = await attempt(label, store);
      if (tried.kind === 'answered') return { answer: tried.answer, isUnsure };
      const waitedInMs = engine.now - startedAt;
      if (waitedInMs > BUDGET_IN_MS) throw new UnknownOutcomeError({ id, waitedInMs });
    }
  }

  async function read<Found>(label: string, find: () => Promise<Found>): Promise<Found> {
    return await process.call(label, () => {
      if (faults.strike('failed-read', `${process.name} ${label}`)) throw new LogFullError({ why: 'it cannot be read now' });
      return find();
    });
  }

  const log: EventLog = {
    maxAppendBytes: server.maxAppendBytes,
    epoch: server.epoch,
    async append(name, append, wakeTimes) {
      const label = `append ${name.stream} after ${append.previous}: ${append.facts.map(describe).join(', ')}`;
      const store = async (): Promise<StoredAppend | undefined> => {
        const stored = await server.append(name, append, wakeTimes);
        if (stored !== undefined) ledger.appended(name, append, stored);
        return stored;
      };
      const { answer, isUnsure } = await repeat(append.id, label, store);
      if (answer !== undefined || !isUnsure) return answer;
      return (await log.read(name, append.previous)).find(({ id }) => id === append.id);
    },
    async accept(name, requests) {
      const label = `accept ${name.function}.${name.stream}`;
      const { answer } = await repeat<Accepted>(name.stream, label, () => server.accept(name, requests));
      return answer;
    },
    read: (name, after) => read(`read ${name.stream} after ${after}`, () => server.read(name, after)),
    readRequest: (sequence) => read(`read request ${sequence}`, () => server.readRequest(sequence)),
    findAll: (stream) => read(`find ${stream}`, () => server.findAll(stream)),
    lastSequence: () => read('last sequence', () => server.lastSequence()),
    follow: (from, onEntry, signal) =>
      server.follow(from, (entry) => received(() => onEntry(entry)), AbortSignal.any([signal, process.death])),
    followFully: (from, onEntry, signal) =>
      server.followFully(from, (entry) => received(() => onEntry(entry)), AbortSignal.any([signal, process.death])),
  };

  const delayed: (() => void)[] = [];

  /** A follower receives in order. It receives nothing while its process stands still. */
  function received(take: () => void): void {
    if (delayed.length === 0 && !process.isStill) process.receive(take);
    else if (delayed.push(take) === 1) process.schedule(0, 'follows', receiveDelayed);
  }

  function receiveDelayed(): void {
    for (const take of delayed.splice(0)) take();
  }

  return log;
}

function describe(fact: { type: string; invocation: string; attempt?: number; try?: number }): string {
  return `${fact.type}${fact.attempt ?? fact.try ?? ''} of ${fact.invocation}`;
}
