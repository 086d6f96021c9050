import type { Attempt, LedgerEntry, Spilled, Waiter } from './ledger-entry.ts';

/** What one process wants of an entry, all in one write. */
export type Change = {
  /** The time, by which tokens come back. */
  now?: number;
  /** The buckets beside the entry. */
  spilled?: Spilled;
  /** Attempts that started by the log. They use the tokens that they hold (RATE2). */
  starts?: readonly Attempt[];
  /** Attempts that are over by the log, or can never start. They hold no slot any more, and wait for none. */
  releases?: readonly Attempt[];
  /** Waiters that wait no longer. A waiter that got a slot meanwhile keeps the slot. */
  withdrawals?: readonly Attempt[];
  /** Running attempts whose slots the ledger may have lost. The limits do not apply to them. */
  running?: readonly Attempt[];
  /** Attempts that wait in the log, and are to get the next slots. */
  waits?: readonly Waiter[];
  /** Attempts of this process that ask for a slot. Each has a place in its worker. */
  acquisitions?: readonly Waiter[];
  /** The places of this process for attempts that get a slot. Without them, no waiter gets one. */
  places?: FreeExecutionSlots;
};

/** Where the workers of one process execute attempts. */
export type FreeExecutionSlots = {
  /** Whether a worker of this process executes a function. */
  serves(functionName: string): boolean;
  /** Takes a place for an attempt of a function; false when none is free. */
  take(functionName: string): boolean;
};

/** No token is free before `dueAt`, at the earliest. */
export type NoToken = { dueAt: number };

/** `key-full`: all slots of the key are taken, or other attempts wait for them. `full`: all slots are. */
export type Answer = 'held' | 'key-full' | 'full' | NoToken;

/** What an attempt that asked has to wait for. `isPlaceGiven`: a waiter before it has its place in the worker now. */
export type Refusal = { refusal: 'full' | NoToken; isPlaceGiven: boolean };
/** `closed`: the process stops, or the worker of the function does. */
export type Acquired = 'held' | 'closed' | Refusal;

export function refusalOf(answer: Exclude<Answer, 'held'>): 'full' | NoToken {
  return typeof answer === 'object' ? answer : 'full';
}

export type Changed = {
  /** The same object when nothing changed. */
  entry: LedgerEntry;
  /** The answers to the acquisitions, by {@link attemptIdOf}. */
  answers: ReadonlyMap<string, Answer>;
  /** The waiters that got a slot, and a place of this worker. */
  granted: readonly Waiter[];
  /** How many of them have the place of a refused acquisition, by function. */
  borrowed: ReadonlyMap<string, number>;
  /** The functions with a waiter that gets a slot as soon as this worker has a place. */
  lacking: ReadonlySet<string>;
  /** When a waiter of a function of this worker may get a slot although no slot is freed; infinite when there is no such time. */
  nextAt: number;
};

/** What an attempt is called in maps. */
export function attemptIdOf({ function: name, invocation, attempt }: Pick<Attempt, 'function' | 'invocation' | 'attempt'>): string {
  return `${name}/${invocation}/${attempt}`;
}

/** A holder, as the entry names it. It stays until its attempt is over, also without a slot: its result may not be stored yet (PUB3). */
export function heldOf({ perKey, total, rank: _, freeSince: __, isSlotless, ...attempt }: Attempt & Partial<Waiter>): Attempt {
  return isSlotless || !takesSlot({ perKey, total, rate: attempt.rate }) ? { ...attempt, isSlotless: true } : attempt;
}

/** An attempt of a function with a rate alone takes no slot. */
export function takesSlot({ perKey, total, rate }: Pick<Waiter, 'perKey' | 'total' | 'rate'>): boolean {
  return rate === undefined || perKey !== undefined || total !== undefined;
}
