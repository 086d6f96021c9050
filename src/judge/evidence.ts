/*
 * What the judge reads. Nothing here knows the product.
 */

/** A stored message of JetStream. `at`: when the server stored it, in milliseconds since the epoch. */
export type RawMessage = { sequence: number; at: number; subject: string; headers: Readonly<Record<string, string>>; data: string };

/**
 * An operation of a client, as Jepsen records it: `invoke`, then `ok`, `fail` (it certainly did not happen) or `info` (unknown).
 *
 * - `submit` asks for an invocation. `notBefore`: no attempt may start earlier. The ids of an operation that names none are unknown.
 * - `result` saw the outcome of an invocation; `payload` is the returned value, when it succeeded.
 */
export type ClientOp = {
  process: number;
  type: 'invoke' | 'ok' | 'fail' | 'info';
  f: 'submit' | 'result';
  time: number;
  value: { ids?: readonly string[]; function: string; notBefore?: number; outcome?: 'succeeded' | 'failed'; payload?: string };
};

/**
 * A line that a function wrote, in the order of its file. `at`: when the execution started, in milliseconds since the epoch, where that was
 * written. `fn`: the function, where invocations of several functions have one id (ID1). `events`: whose events it got, where it got several (DEB3).
 * `payload`: what it returned. `killed`: all executions of this worker ended.
 */
export type Execution =
  | { kind: 'start' | 'end'; id: string; attempt: number; fn?: string; at?: number; events?: readonly string[]; payload?: string }
  | { kind: 'killed'; pid: number };

/** A try of a delivery, as its receiver saw it: of which invocation, to which of its destinations. */
export type Try = { fn: string; id: string; destination: string; try: number };

/** What a test expects of one function. */
export type Expected = {
  /** The most executions of a key at one time; of the function without `key`. */
  limit?: number;
  /** The most executions of all keys at one time. */
  total?: number;
  /** Functions of one pool share their executions: the pool has at most as many at one time as the greatest `total` or `limit` of them. */
  pool?: string;
  /** The field of the payload that is the key. */
  key?: string;
  /** Executions of one key start in the order of the log, and each ends before the next starts. */
  isFifo?: boolean;
  /** With `isFifo`: only first attempts start in the order of the log, and others of the key go on while a failed one waits. */
  passesFailed?: boolean;
  /** The requests of a key run in groups. */
  isDebounced?: boolean;
  /** The rate of starts for each key, by the times of the server. `toleranceInMs`: how far the clocks of two processes may differ. */
  rate?: { limit: number; perInMs: number; burst: number; toleranceInMs: number };
};

export type Evidence = {
  log: readonly RawMessage[];
  /** The results stream; absent when results are not kept. */
  results?: readonly RawMessage[];
  client: readonly ClientOp[];
  /** Absent when the functions wrote nothing down. Each function of `expected` writes then. */
  executions?: readonly Execution[];
  /** Absent when the receivers of deliveries wrote nothing down. */
  tries?: readonly Try[];
  /** The schedules of which no invocation starts while another one is open. */
  schedules?: readonly string[];
  expected?: Readonly<Record<string, Expected>>;
  /** Every invocation must be over. */
  isOver?: boolean;
  /**
   * Power cuts took messages from the end of each stream. Acknowledged requests and results may be missing, and appends may have a wrong link.
   * Results of outcomes that the log lost may be stored, as many as {@link lostOutcomesAtMost} says.
   */
  isLossy?: boolean;
  /** With `isLossy`: how many power cuts took messages; one when absent. */
  cuts?: number;
};

/**
 * How many outcomes of one request can have a stored result and be missing in the log: one for each power cut.
 *
 * 1. A request has one outcome at a time (E4). It runs again only after a cut took this outcome. Each cut therefore takes at most one.
 * 2. An append that follows a message which a cut took does not count (LINK2). A process that does not know of the cut may append an outcome
 *    in this way, and publish its result. It does so only while it knows of no outcome, so the same cut took none.
 * 3. The outcome in the log is newer than all of them, and its result is published later. The result is missing only when a cut took it and
 *    kept the outcome. That cut took no outcome of the request, so one fewer result can be of a lost outcome.
 */
export function lostOutcomesAtMost({ isLossy = false, cuts = 1 }: Pick<Evidence, 'isLossy' | 'cuts'>): number {
  return isLossy ? cuts : 0;
}
