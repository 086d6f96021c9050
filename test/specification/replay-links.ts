import type { Fact } from '#machines/facts.ts';
import type { EventLog, StoredAppend, StreamName } from '#src/core/log/event-log.ts';
import { NO_APPENDS } from '#src/core/log/event-log.ts';
import { createMemoryLog, type MemoryLog } from '#src/core/memory/memory-log.ts';
import type { RequestId } from '#src/core/names/names.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { readStream } from '#src/core/stream/stream.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';

/* Replays a trace of `models/links.qnt` on two stream writers and the log in memory. */

type SpecifiedWriter = { phase: string; version: number; owner: number; accepted: readonly number[]; own: number };
type Step = { kind: string; who: string; number: number };
type World = {
  log: readonly { kind: string }[];
  writers: Readonly<Record<string, SpecifiedWriter>>;
  believed: readonly number[];
  step: Step;
};
export type LinkedState = { world: World; accepted: readonly number[] };

const ID = 'i-1' as RequestId;
const NAME = { function: 'f', stream: ID } as unknown as StreamName;
const OTHER = { function: 'f', stream: 'i-2' } as unknown as StreamName;

/** A writer, and its append that is on the way: the log stores it, and answers, when the trace says so. */
type Running = {
  writer?: StreamWriter;
  own: number;
  flight?: { store: () => Promise<StoredAppend | undefined>; answer: (stored: StoredAppend | undefined) => void } | undefined;
  answered?: { stored: StoredAppend | undefined } | undefined;
};

/** Returns the first difference between the specification and the code; `undefined` when they agree in every step. */
export async function replayLinks(states: readonly LinkedState[]): Promise<string | undefined> {
  const replayed = new Replay();
  await replayed.accept();
  for (const [index, state] of states.slice(1).entries()) {
    await replayed.take(state.world);
    const [seen, said] = [await replayed.see(state.world), sayOf(state)].map((value) => JSON.stringify(value));
    if (seen !== said) return `step ${index + 1}, ${JSON.stringify(state.world.step)}: code ${seen}, specification ${said}`;
  }
  return undefined;
}

class Replay {
  #now = 1_700_000_000_000;
  readonly #log: MemoryLog = createMemoryLog({ clock: { now: () => this.#now++ }, isDense: true });
  readonly #running = new Map<string, Running>();
  readonly #believed = new Set<number>();
  #writers: World['writers'] = {};
  #proposals = 0;

  async accept(name = NAME): Promise<void> {
    await this.#log.accept(name, [{ id: name.stream as string as RequestId, payload: '1' }]);
  }

  async take({ step: { kind, who, number }, writers }: World): Promise<void> {
    this.#writers = writers;
    if (kind === 'accept') await this.accept();
    else if (kind === 'other') await this.accept(OTHER);
    else if (kind === 'cut') this.#log.loseFrom(Math.max(1, this.#log.last + 1 - number));
    else if (kind === 'old') await this.#appendWithoutLink(number);
    else if (kind === 'crash') this.#running.delete(who);
    else await this.#goOn(who, number);
  }

  async #appendWithoutLink(request: number): Promise<void> {
    const previous = (await this.#log.read(NAME, NO_APPENDS)).at(-1)?.version ?? NO_APPENDS;
    await this.#log.append(NAME, { id: `-${100 * request + previous}`, previous, request, by: 'old', facts: [waits('old')] }, {});
  }

  /** What a writer does next: it reads, sends, has its append stored, or gets its answer. */
  async #goOn(who: string, request: number): Promise<void> {
    const running = this.#running.get(who);
    if (running === undefined) return await this.#load(who, request);
    const { flight, answered } = running;
    if (flight === undefined) this.#propose(who, running);
    else if (answered === undefined) running.answered = { stored: await flight.store() };
    else {
      running.flight = undefined;
      running.answered = undefined;
      flight.answer(answered.stored);
    }
    await settled();
  }

  async #load(who: string, request: number): Promise<void> {
    const found = await readStream(this.#log, NAME, request);
    if (found === undefined) return;
    const running: Running = { own: 0 };
    const append: EventLog['append'] = (...given) =>
      new Promise((answer) => {
        running.flight = { store: () => this.#log.append(...given), answer };
      });
    const appendId = (): string => {
      running.own = this.#writers[who]?.own ?? 0;
      return String(running.own);
    };
    running.writer = new StreamWriter({ log: { ...this.#log, append }, state: found.state, by: who, appendId, clock: systemClock });
    this.#running.set(who, running);
  }

  #propose(who: string, running: Running): void {
    running.writer?.propose(ID, [waits(`${this.#proposals++}`)]).then(
      () => this.#believed.add(running.own),
      // The stream is lost, and the writer is broken.
      () => this.#running.delete(who),
    );
  }

  /** What the code says of the log and of each writer. */
  async see({ log, writers }: World): Promise<unknown> {
    const request = log.findIndex(({ kind }) => kind === 'request') + 1;
    const read = await readStream(this.#log, NAME, request === 0 ? undefined : request);
    const accepted = (read?.accepted ?? []).map(({ id }) => Number(id));
    const states = Object.keys(writers).map((who) => {
      const { writer, flight } = this.#running.get(who) ?? {};
      return writer && [writer.state.version, writer.state.request.sequence, writer.state.facts.length, flight !== undefined];
    });
    return [this.#log.last, accepted, [...this.#believed].sort(byNumber), ...states];
  }
}

function sayOf({ world: { log, writers, believed }, accepted }: LinkedState): unknown {
  const states = Object.values(writers).map(
    ({ phase, version, owner, accepted: known }) => phase !== 'absent' && [version, owner, known.length, phase !== 'idle'],
  );
  return [log.length, accepted, [...believed].sort(byNumber), ...states.map((state) => (state === false ? undefined : state))];
}

const byNumber = (one: number, other: number): number => one - other;
/** The machine accepts any number of waits for different slots, so that links and versions alone decide. */
const waits = (key: string): Fact => ({ type: 'deferred', invocation: ID as string, at: 1, flow: { pool: 'function.f', key } });
/** Everything that follows from an answer has happened: the log in memory needs no timer. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
