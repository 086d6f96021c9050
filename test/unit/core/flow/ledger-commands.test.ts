import fc from 'fast-check';
import { expect, test } from 'vitest';
import { changeEntry } from '#src/core/flow/change-entry.ts';
import { attemptIdOf, type Change, type Changed } from '#src/core/flow/entry-change.ts';
import { decodeLedgerEntry, encodeLedgerEntry, type LedgerEntry, NO_SLOTS, type Waiter } from '#src/core/flow/ledger-entry.ts';
import { parseRateText, type RateText } from '#src/core/functions/rate.ts';

/** The limits of the function, and what its attempts did, as a person would count it. */
type Model = { flow: Flow; used: Map<string, number[]> };
type Real = { entry: LedgerEntry; now: number };
type Flow = { perKey?: number; total?: number; rate?: RateText };

const KEYS = ['a', 'b', 'c'];
const attempts = fc.nat(8);

/** The attempt of a number. */
function attemptOf(number: number, flow: Flow): Waiter {
  return { key: KEYS[number % 3] ?? '', function: 'f', invocation: `i-${number}`, attempt: 1, request: number, ...flow };
}

/** What one process wants of the entry: any command changes the entry once, and every limit holds afterwards. */
class Command implements fc.Command<Model, Real> {
  readonly #name: string;
  readonly #numbers: readonly number[];
  readonly #changeOf: (attempts: readonly Waiter[]) => Change;

  constructor(name: string, numbers: readonly number[], changeOf: (attempts: readonly Waiter[]) => Change) {
    this.#name = name;
    this.#numbers = numbers;
    this.#changeOf = changeOf;
  }

  check(): boolean {
    return true;
  }

  run(model: Model, real: Real): void {
    const change = { ...this.#changeOf(this.#numbers.map((number) => attemptOf(number, model.flow))), now: real.now };
    const before = real.entry;
    const changed = changeEntry(before, change);
    noteStarts(model, real, change);
    real.entry = changed.entry;
    expect(decodeLedgerEntry(encodeLedgerEntry(changed.entry))).toEqual(changed.entry);
    judgeAnswers(changed, change);
    judgeLimits(model, real);
    if (change.places?.take('f') === true) judgeLeftRoom(model, real);
    // A change that was stored already changes nothing the second time (A1).
    const { starts = [], releases = [], withdrawals = [] } = change;
    expect(changeEntry(real.entry, { now: real.now, starts, releases, withdrawals }).entry).toBe(real.entry);
  }

  toString(): string {
    return `${this.#name} ${this.#numbers.join(' ')}`;
  }
}

/** An attempt that starts or is released uses the token that it holds. */
function noteStarts({ used }: Model, { entry, now }: Real, { starts = [], releases = [] }: Change): void {
  const held = new Map(entry.holders.map((one) => [attemptIdOf(one), one]));
  for (const id of new Set([...starts, ...releases].map(attemptIdOf))) {
    const holder = held.get(id);
    if (holder?.rate !== undefined) used.set(holder.key, [...(used.get(holder.key) ?? []), now]);
  }
}

function judgeAnswers({ entry, answers, granted }: Changed, { acquisitions = [] }: Change): void {
  const held = new Set(entry.holders.map(attemptIdOf));
  expect(new Set([...held, ...entry.waiters.map(attemptIdOf)]).size).toBe(entry.holders.length + entry.waiters.length);
  for (const one of acquisitions) expect(answers.get(attemptIdOf(one)) === 'held').toBe(held.has(attemptIdOf(one)));
  for (const one of granted) expect(held.has(attemptIdOf(one))).toBe(true);
}

const heldOf = (entry: LedgerEntry, key: string): number => entry.holders.filter((one) => one.key === key && !one.isSlotless).length;

/** The limits and the rate hold (SLOT2, RATE1). */
function judgeLimits(model: Model, { entry, now }: Real): void {
  const { perKey = Number.POSITIVE_INFINITY, total = Number.POSITIVE_INFINITY, rate } = model.flow;
  expect(entry.holders.filter((one) => !one.isSlotless).length).toBeLessThanOrEqual(total);
  for (const key of KEYS) {
    expect(heldOf(entry, key)).toBeLessThanOrEqual(perKey);
    if (rate !== undefined) expect(tokensOf(model, { entry, now }, key, rate)).toBeGreaterThanOrEqual(-1e-6);
  }
}

/** The free tokens of a key, counted from the starts alone: each takes one, and one comes back in each interval. */
function tokensOf({ used }: Model, { entry, now }: Real, key: string, rate: RateText): number {
  const { limit, perInMs, burst } = parseRateText(rate);
  let level = 0;
  let last = 0;
  for (const at of [...(used.get(key) ?? []), now]) {
    level = Math.max(0, level - ((at - last) * limit) / perInMs) + 1;
    last = at;
  }
  const held = entry.holders.filter((one) => one.key === key && one.rate !== undefined).length;
  return burst - (level - 1) - held;
}

/** With places for all, nobody waits who could start (SLOT5). */
function judgeLeftRoom(model: Model, { entry, now }: Real): void {
  const { perKey = Number.POSITIVE_INFINITY, total = Number.POSITIVE_INFINITY, rate } = model.flow;
  const hasTotal = entry.holders.filter((one) => !one.isSlotless).length < total;
  for (const { key } of entry.waiters) {
    const hasToken = rate === undefined || tokensOf(model, { entry, now }, key, rate) >= 1 + 1e-6;
    expect(hasTotal && heldOf(entry, key) < perKey && hasToken).toBe(false);
  }
}

class Pause implements fc.Command<Model, Real> {
  readonly #ms: number;

  constructor(ms: number) {
    this.#ms = ms;
  }

  check(): boolean {
    return true;
  }

  run(_model: Model, real: Real): void {
    real.now += this.#ms;
  }

  toString(): string {
    return `pause ${this.#ms}`;
  }
}

const everywhere = { serves: () => true, take: () => true };
const some = fc.array(attempts, { minLength: 1, maxLength: 4 });
const commands = fc.commands(
  [
    some.map(
      (given) => new Command('acquire', given, (acquisitions) => ({ acquisitions, places: { serves: () => true, take: () => false } })),
    ),
    some.map((given) => new Command('wait', given, (waits) => ({ waits }))),
    some.map((given) => new Command('wait and grant', given, (waits) => ({ waits, places: everywhere }))),
    some.map((given) => new Command('start', given, (starts) => ({ starts }))),
    some.map((given) => new Command('release', given, (releases) => ({ releases }))),
    some.map((given) => new Command('release and grant', given, (releases) => ({ releases, places: everywhere }))),
    some.map((given) => new Command('withdraw', given, (withdrawals) => ({ withdrawals }))),
    fc.nat(900).map((ms) => new Pause(ms)),
  ],
  { maxCommands: 40 },
);

const flows: fc.Arbitrary<Flow> = fc.record(
  {
    perKey: fc.integer({ min: 1, max: 2 }),
    total: fc.integer({ min: 1, max: 4 }),
    rate: fc.constantFrom('2/1000/1', '4/1000/3').map((text) => text as RateText),
  },
  { requiredKeys: [] },
);

test('whatever processes ask of an entry, its limits and rates hold, and nobody waits who could start', () => {
  fc.assert(
    fc.property(flows, commands, (flow, given) => {
      fc.modelRun(() => ({ model: { flow, used: new Map() }, real: { entry: NO_SLOTS, now: 1_000_000 } }), given);
    }),
    { numRuns: 300 },
  );
});
