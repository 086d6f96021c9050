import type { Fact, FactOf } from '#machines/facts.ts';
import type { EventLog } from '#src/core/log/event-log.ts';
import { readUpTo } from '#src/core/log/read-up-to.ts';
import { systemClock } from '#src/core/ports/clock.ts';

/** A dead delivery. */
export type DeadLetter = {
  /** The invocation whose outcome could not be delivered. */
  requestId: string;
  /** Its function. */
  function: string;
  /** The id of the destination, such as `http-0`. */
  destination: string;
  /** How many tries were made. */
  tries: number;
  /** Why the delivery was given up. */
  reason: string;
  /** When the delivery became dead, in milliseconds since the epoch. */
  at: number;
};

/** An invocation that failed. */
export type FailedInvocation = {
  /** The id of the invocation. */
  requestId: string;
  /** Its function. */
  function: string;
  /** Why it ended, such as `UnhandledInvocationError`. */
  condition: string;
  /** The message of its error. */
  message: string;
  /** When it failed, in milliseconds since the epoch. */
  at: number;
};

/** Which failures are wanted. All given conditions must hold. */
export type RepairFilter = {
  /** Of this function only. */
  function?: string | undefined;
  /** Dead letters only: the id of a destination such as `http-0`, or its kind such as `http`. */
  destination?: string | undefined;
  /** Dead letters only: a part of the reason. */
  reason?: string | undefined;
  /** Failed invocations only: the condition, such as `EventAgeExceeded`. */
  condition?: string | undefined;
  /** Not before this time, in milliseconds since the epoch. */
  since?: number | undefined;
};

/** Reads the whole log, and returns the deliveries that are dead, and were neither redriven nor dismissed since. */
export async function scanDeadLetters(log: EventLog, filter: RepairFilter): Promise<DeadLetter[]> {
  const dead = new Map<string, DeadLetter>();
  await scan(log, (fact, functionName) => {
    if (fact.type !== 'delivery.dead' && fact.type !== 'delivery.redriven' && fact.type !== 'delivery.dismissed') return;
    const key = `${keyOf(functionName, fact)}/${fact.destination}`;
    if (fact.type !== 'delivery.dead') return void dead.delete(key);
    const { invocation, destination, try: tries, reason, at } = fact;
    dead.set(key, { requestId: invocation, function: functionName, destination, tries, reason, at });
  });
  return [...dead.values()].filter((letter) => letterMatches(letter, filter));
}

/** Reads the whole log, and returns the invocations that failed and were not redriven since. */
export async function scanFailures(log: EventLog, filter: RepairFilter): Promise<FailedInvocation[]> {
  const failed = new Map<string, FailedInvocation>();
  await scan(log, (fact, functionName) => {
    if (fact.type === 'redriven') failed.delete(keyOf(functionName, fact));
    if (fact.type !== 'failed' || !failureMatches(fact, functionName, filter)) return;
    const { invocation, condition, failure, at } = fact;
    failed.set(keyOf(functionName, fact), { requestId: invocation, function: functionName, condition, message: failure.message, at });
  });
  return [...failed.values()];
}

/** Whether a destination has the wanted id, or is of the wanted kind. */
export function destinationMatches(id: string, wanted: string | undefined): boolean {
  return wanted === undefined || id === wanted || id.replace(/-\d+$/, '') === wanted.toLowerCase();
}

function letterMatches({ function: fn, destination, at }: DeadLetter, filter: RepairFilter): boolean {
  const { function: wantedFunction, since = 0 } = filter;
  return at >= since && (wantedFunction === undefined || fn === wantedFunction) && destinationMatches(destination, filter.destination);
}

function failureMatches({ condition, at }: FactOf<'failed'>, fn: string, filter: RepairFilter): boolean {
  const { function: wantedFunction, condition: wantedCondition, since = 0 } = filter;
  if (wantedFunction !== undefined && fn !== wantedFunction) return false;
  return at >= since && (wantedCondition === undefined || condition === wantedCondition);
}

/** Two functions may share a request id. */
function keyOf(functionName: string, { invocation }: Fact): string {
  return `${functionName}/${invocation}`;
}

async function scan(log: EventLog, onFact: (fact: Fact, functionName: string) => void): Promise<void> {
  const { followFully: follow, firstFrom } = log;
  await readUpTo({ follow, firstFrom }, { from: 1, to: await log.lastSequence(), clock: systemClock }, (entry) => {
    if (entry.kind === 'append') for (const fact of entry.append.facts) onFact(fact, entry.name.function);
  });
}
