import type { Delivery } from './delivery.ts';
import type { FactOf, Failure, Outcome, Terms } from './facts.ts';

/** The part of an invocation in a group (`group.ts`). */
export type Group = {
  pool: string;
  key: string;
  keep: Keep;
  /** When the invocation got its part. */
  at: number;
  /** Of a leader: the others, in their order. */
  members?: readonly GroupMember[];
  /** Of a member: who runs. */
  leader?: GroupMember;
};

type Keep = FactOf<'debounce.closed'>['keep'];
type GroupMember = FactOf<'debounce.joined'>['leader'];

/** The values that an invocation has in addition to its state, all derived from its facts. */
export type InvocationContext = {
  /** The accepted request; `null` before. */
  request: FactOf<'queued'> | null;
  /** The policy and version that the invocation runs under, fixed at its first attempt. */
  terms: Terms | null;
  /** Attempts started so far: the number of the current or latest attempt. */
  attempts: number;
  /** Attempts whose failure consumed a retry. */
  retries: number;
  /** Attempts whose worker died. They consume no retry, and are bounded by `MAX_LOST_ATTEMPTS`. */
  lost: number;
  /** The worker that runs the current attempt. */
  worker: string | null;
  /** When the current attempt started. */
  startedAt: number | null;
  /** When the next attempt is due: of a delayed request while queued, and while retrying. */
  dueAt: number | null;
  /** The slot or the token that the next attempt waits for, and since when; `null` when it waits for none. */
  waitsFor: (FactOf<'deferred'>['flow'] & { since: number }) | null;
  /** The part of a debounced invocation in its group; `null` before it has one. */
  group: Group | null;
  /** The latest failure. */
  failure: Failure | null;
  outcome: Outcome | null;
  /** One delivery machine for each destination of the outcome, by destination id. */
  deliveries: Readonly<Record<string, Delivery>>;
  /** The ids of the invocations that ran this one again. */
  redrives: readonly string[];
  /** When the batch was cancelled (`batch.ts`); always `null` of an invocation. */
  canceledAt: number | null;
};

/** The values before the first fact. */
export const initialContext: InvocationContext = {
  request: null,
  terms: null,
  attempts: 0,
  retries: 0,
  lost: 0,
  worker: null,
  startedAt: null,
  dueAt: null,
  waitsFor: null,
  group: null,
  failure: null,
  outcome: null,
  deliveries: {},
  redrives: [],
  canceledAt: null,
};
